import { v7 as uuidv7 } from 'uuid';
import type { NotificationDb } from './database.js';

/** As browsers give it. */
export interface NewSubscription {
  endpoint: string;
  keys: { p256dh: string; auth: string };
}

/**
 * Keeps it, and of this person's the newest `most`. A browser keeps its endpoint when somebody else signs in: whoever
 * has its keys takes it over.
 *
 * Resolves to its id; `undefined` if it is somebody else's and the keys are others.
 */
export async function keepSubscription(
  db: NotificationDb,
  userId: string,
  { endpoint, keys }: NewSubscription,
  most: number,
): Promise<string | undefined> {
  const [kept] = await db.$queryRaw<{ id: string }[]>`
    INSERT INTO push_subscriptions AS s (id, user_id, endpoint, p256dh, auth, created_at)
    VALUES (${uuidv7()}::uuid, ${userId}::uuid, ${endpoint}, ${keys.p256dh}, ${keys.auth}, now())
    ON CONFLICT (endpoint) DO UPDATE SET user_id = excluded.user_id, p256dh = excluded.p256dh,
      auth = excluded.auth, created_at = excluded.created_at
    WHERE s.user_id = excluded.user_id OR (s.p256dh = excluded.p256dh AND s.auth = excluded.auth)
    RETURNING id`;
  if (kept === undefined) return undefined;
  await db.$executeRaw`
    DELETE FROM push_subscriptions WHERE user_id = ${userId}::uuid AND id NOT IN (
      SELECT id FROM push_subscriptions WHERE user_id = ${userId}::uuid ORDER BY created_at DESC, id DESC
      LIMIT ${most}::int)`;
  return kept.id;
}

export async function dropSubscription(db: NotificationDb, userId: string, endpoint: string): Promise<void> {
  await db.$executeRaw`
    DELETE FROM push_subscriptions WHERE user_id = ${userId}::uuid AND endpoint = ${endpoint}`;
}

/** One that its push service doesn't know any more, unless it was renewed since. */
export async function dropGoneSubscription(
  db: NotificationDb,
  { id, p256dh, auth }: { id: string; p256dh: string; auth: string },
): Promise<void> {
  await db.$executeRaw`
    DELETE FROM push_subscriptions WHERE id = ${id}::uuid AND p256dh = ${p256dh} AND auth = ${auth}`;
}
