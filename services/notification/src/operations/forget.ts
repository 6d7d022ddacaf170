import type { PrismaClient } from '../store/database.js';
import { forgetDeliveries } from '../store/delivery-queue.js';
import { forgetRevokedSessions } from '../store/revoked-sessions.js';

/**
 * Days that a settled delivery is kept. This is longer than the inbox remembers an event, so that a repeated event
 * finds the deliveries that it led to.
 */
const keptDays = 30;
const batchSize = 1_000;

/**
 * Deletes deliveries that were settled long ago, and revoked sessions whose tokens have all expired. Resolves to
 * whether there may be more.
 */
export async function forget(client: PrismaClient): Promise<boolean> {
  const forgotten = [
    await forgetDeliveries(client, keptDays, batchSize),
    await forgetRevokedSessions(client, batchSize),
  ];
  return forgotten.some((count) => count === batchSize);
}
