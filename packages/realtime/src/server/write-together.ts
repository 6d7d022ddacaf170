import type { Connection } from '../limits/unsent-meter.js';

/**
 * What one flush of a connection sends goes to the system in one call, not in one for each frame: a page of a feed is a
 * hundred frames. Engine.IO tells of the beginning and, with nothing in between, of the end of a flush.
 */
export function writeTogether(connection: Connection): void {
  const { socket } = connection.request;
  connection.on('flush', () => socket.cork());
  connection.on('drain', () => socket.uncork());
}
