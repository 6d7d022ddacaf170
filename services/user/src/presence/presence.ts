import type { Background, ServiceSockets } from '@warren/service-kit';
import type { Logger } from 'pino';
import type { PrismaClient } from '../store/database.js';
import { readPresences } from '../store/presence.js';
import { Connections, presenceTopic } from './connections.js';
import { Watchers } from './watchers.js';

/**
 * Who is connected, over all processes. The truth is in the database; between processes travel only hints of whom to
 * look at, so a hint that is late or lost makes nothing wrong for long.
 */
export function createPresence(parts: { client: PrismaClient; sockets: ServiceSockets; log: Logger }): {
  watchers: Watchers;
  background: Background[];
} {
  const { client, sockets, log } = parts;
  const watchers = new Watchers({ read: (userIds) => readPresences(client, userIds), log });
  const changed = (userIds: readonly string[]) => watchers.look(userIds);
  sockets.onHint(presenceTopic, (userIds) => watchers.look(userIds));
  return { watchers, background: [watchers, new Connections({ client, sockets, changed, log })] };
}
