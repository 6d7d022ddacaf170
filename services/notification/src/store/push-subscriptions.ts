import { v7 as uuidv7 } from 'uuid';
import type { PushSubscription } from '../domain/delivery.js';
import type { NotificationDb } from './database.js';

/** A subscription as browsers describe it. */
export interface NewSubscription {
  endpoint: string;
  keys: { p256dh: string; auth: string };
  /** The session that subscribes. The subscription ends with it. */
  sessionId: string;
}

/**
 * Keeps the subscription, and deletes all but the newest `most` of this person. When somebody else signs in on a
 * browser, its endpoint stays the same: whoever knows the subscription's keys takes it over.
 *
 * Resolves to the subscription's id; `undefined` if it belongs to somebody else and has other keys.
 */
export async function keepSubscription(
  db: NotificationDb,
  userId: string,
  { endpoint, keys, sessionId }: NewSubscription,
  most: number,
): Promise<string | undefined> {
  const [kept] = await db.$queryRaw<{ id: string }[]>`
    INSERT INTO push_subscriptions AS s (id, user_id, session_id, endpoint, origin, p256dh, auth, created_at)
    VALUES (${uuidv7()}::uuid, ${userId}::uuid, ${sessionId}, ${endpoint}, ${new URL(endpoint).origin},
      ${keys.p256dh}, ${keys.auth}, now())
    ON CONFLICT (endpoint) DO UPDATE SET user_id = excluded.user_id, session_id = excluded.session_id,
      origin = excluded.origin, p256dh = excluded.p256dh, auth = excluded.auth, created_at = excluded.created_at,
      proven = s.proven AND s.p256dh = excluded.p256dh AND s.auth = excluded.auth,
      failures = 0, failed_at = NULL
    WHERE s.user_id = excluded.user_id OR (s.p256dh = excluded.p256dh AND s.auth = excluded.auth)
    RETURNING id`;
  if (kept === undefined) return undefined;
  await db.$executeRaw`
    DELETE FROM push_subscriptions WHERE user_id = ${userId}::uuid AND id NOT IN (
      SELECT id FROM push_subscriptions WHERE user_id = ${userId}::uuid ORDER BY created_at DESC, id DESC
      LIMIT ${most}::int)`;
  return kept.id;
}

/** Resolves to whether this person had the subscription. */
export async function dropSubscription(
  db: NotificationDb,
  userId: string,
  which: { id: string } | { endpoint: string },
): Promise<boolean> {
  const { count } = await db.pushSubscription.deleteMany({ where: { ...which, userId } });
  return count > 0;
}

/**
 * Drops the subscriptions of this session. With `orOfNone`, also drops those whose session is unknown, since they may
 * belong to it. A browser that is in use will subscribe again.
 */
export async function dropSubscriptionsOfSession(
  db: NotificationDb,
  { userId, sessionId, orOfNone }: { userId: string; sessionId: string; orOfNone: boolean },
): Promise<void> {
  await db.$executeRaw`
    DELETE FROM push_subscriptions
    WHERE user_id = ${userId}::uuid AND (session_id = ${sessionId} OR (${orOfNone} AND session_id IS NULL))`;
}

/** A subscription that a push was sent to. The results below change nothing if it was renewed with other keys since. */
type SentTo = Pick<PushSubscription, 'id' | 'p256dh' | 'auth'>;

/** Failures in a row after which a subscription is dropped. */
const mostFailures = 10;
/**
 * A failure within this time of a counted one isn't counted. So a subscription fails for over a week before it is
 * dropped.
 */
const minutesBetweenFailures = 20 * 60;

/** The subscription took a push: it is not on trial any more. Writes nothing if this is known already. */
export async function subscriptionWorked(db: NotificationDb, { id, p256dh, auth }: SentTo): Promise<void> {
  await db.$executeRaw`
    UPDATE push_subscriptions SET proven = true, failures = 0, failed_at = NULL
    WHERE id = ${id}::uuid AND p256dh = ${p256dh} AND auth = ${auth} AND (NOT proven OR failures > 0)`;
}

/** Counts the failure, and drops the subscription if it was the last one allowed. */
export async function subscriptionFailed(db: NotificationDb, { id, p256dh, auth }: SentTo): Promise<void> {
  await db.$executeRaw`
    UPDATE push_subscriptions SET failures = failures + 1, failed_at = now()
    WHERE id = ${id}::uuid AND p256dh = ${p256dh} AND auth = ${auth}
      AND (failed_at IS NULL OR failed_at <= now() - ${minutesBetweenFailures}::int * interval '1 min')`;
  await db.$executeRaw`
    DELETE FROM push_subscriptions WHERE id = ${id}::uuid AND p256dh = ${p256dh} AND auth = ${auth}
      AND failures >= ${mostFailures}::int`;
}

/** Drops a subscription that its push service doesn't know any more. */
export async function dropGoneSubscription(db: NotificationDb, { id, p256dh, auth }: SentTo): Promise<void> {
  await db.$executeRaw`
    DELETE FROM push_subscriptions WHERE id = ${id}::uuid AND p256dh = ${p256dh} AND auth = ${auth}`;
}
