import { v7 as uuidv7 } from 'uuid';
import type { NotificationDb } from './database.js';

/** As browsers give it. */
export interface NewSubscription {
  endpoint: string;
  keys: { p256dh: string; auth: string };
  /** The session that asks for it, and with which it ends. */
  sessionId: string;
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

export interface Subscription {
  id: string;
  endpoint: string;
  createdAt: Date;
}

/** Of this person, the newest first. */
export async function subscriptionsOf(db: NotificationDb, userId: string): Promise<Subscription[]> {
  return db.pushSubscription.findMany({
    where: { userId },
    select: { id: true, endpoint: true, createdAt: true },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
  });
}

/** Resolves to whether this person had it. */
export async function dropSubscription(
  db: NotificationDb,
  userId: string,
  which: { id: string } | { endpoint: string },
): Promise<boolean> {
  const { count } = await db.pushSubscription.deleteMany({ where: { ...which, userId } });
  return count > 0;
}

/**
 * Those that tell of no session may be of this one, and go too where `orOfNone`: a browser that is in use brings its
 * own again.
 */
export async function dropSubscriptionsOfSession(
  db: NotificationDb,
  { userId, sessionId, orOfNone }: { userId: string; sessionId: string; orOfNone: boolean },
): Promise<void> {
  await db.$executeRaw`
    DELETE FROM push_subscriptions
    WHERE user_id = ${userId}::uuid AND (session_id = ${sessionId} OR (${orOfNone} AND session_id IS NULL))`;
}
