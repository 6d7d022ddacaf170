import type { NotificationDb } from './database.js';
import { eraseDeferredEvents } from './deferred-events.js';

/**
 * Deletes everything of this person except the tombstone. There is one statement per table, since each statement has a
 * new snapshot: it must see the rows of the transactions that the tombstone waited for.
 */
export async function erasePerson(db: NotificationDb, userId: string): Promise<void> {
  await db.$executeRaw`DELETE FROM deliveries WHERE user_id = ${userId}::uuid`;
  await db.$executeRaw`DELETE FROM push_subscriptions WHERE user_id = ${userId}::uuid`;
  await db.$executeRaw`DELETE FROM preferences WHERE user_id = ${userId}::uuid`;
  await db.$executeRaw`DELETE FROM notifications WHERE user_id = ${userId}::uuid`;
  await db.$executeRaw`DELETE FROM counts WHERE user_id = ${userId}::uuid`;
  await eraseDeferredEvents(db, userId);
}
