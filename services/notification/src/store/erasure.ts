import type { NotificationDb } from './database.js';
import { eraseDeferredEvents } from './deferred-events.js';

/**
 * Everything of this person but the tombstone. One statement a table: rows that a transaction wrote which was waited
 * for must be seen, and each statement looks anew.
 */
export async function erasePerson(db: NotificationDb, userId: string): Promise<void> {
  await db.$executeRaw`DELETE FROM deliveries WHERE user_id = ${userId}::uuid`;
  await db.$executeRaw`DELETE FROM push_subscriptions WHERE user_id = ${userId}::uuid`;
  await db.$executeRaw`DELETE FROM preferences WHERE user_id = ${userId}::uuid`;
  await db.$executeRaw`DELETE FROM notifications WHERE user_id = ${userId}::uuid`;
  await db.$executeRaw`DELETE FROM counts WHERE user_id = ${userId}::uuid`;
  await eraseDeferredEvents(db, userId);
}
