import type { Connection } from '../limits/unsent-meter.js';

/**
 * Writes all frames of one flush with one system call instead of one call each: a page of a feed is a hundred frames.
 * Engine.IO emits `flush` before it writes the frames and `drain` after, in the same turn of the event loop.
 */
export function writeTogether(connection: Connection): void {
  const { socket } = connection.request;
  connection.on('flush', () => socket.cork());
  connection.on('drain', () => socket.uncork());
}
