import type { OutsideChannel } from '@warren/contracts';
import type { NotificationDb } from './database.js';

/** A delivery that this process has taken, until its lease ends. */
export interface TakenDelivery {
  id: string;
  kind: string;
  content: unknown;
  /** This one included. Settling needs it: whoever's lease ended meanwhile settles nothing. */
  attempts: number;
  giveUpAt: Date;
  createdAt: Date;
  /** The event's own address, else the person's; null where neither is known yet. */
  address: string | null;
  /** Null where it is gone, or somebody else's by now. */
  subscription: Subscription | null;
}

export interface Subscription {
  id: string;
  endpoint: string;
  p256dh: string;
  auth: string;
}

/**
 * Takes the longest due deliveries of a channel, at most `limit`, each for `leaseMs`. Any number of processes take at
 * once, and none waits for another.
 */
export async function takeDeliveries(
  db: NotificationDb,
  channel: OutsideChannel,
  { limit, leaseMs }: { limit: number; leaseMs: number },
): Promise<TakenDelivery[]> {
  return db.$queryRaw<TakenDelivery[]>`
    WITH due AS (
      SELECT id FROM deliveries WHERE channel = ${channel} AND settled_at IS NULL AND due_at <= now()
      ORDER BY due_at LIMIT ${limit}::int FOR UPDATE SKIP LOCKED
    ), taken AS (
      UPDATE deliveries d SET due_at = now() + ${leaseMs}::int * interval '1 ms', attempts = d.attempts + 1
      FROM due WHERE d.id = due.id RETURNING d.*
    )
    SELECT t.id, t.kind, t.content, t.attempts, t.give_up_at AS "giveUpAt", t.created_at AS "createdAt",
      coalesce(t.address, c.email) AS address,
      CASE WHEN s.id IS NOT NULL THEN json_build_object('id', s.id, 'endpoint', s.endpoint, 'p256dh', s.p256dh,
        'auth', s.auth) END AS subscription
    FROM taken t LEFT JOIN user_copies c ON c.id = t.user_id
    LEFT JOIN push_subscriptions s ON s.id::text = t.target AND s.user_id = t.user_id`;
}

type Taken = Pick<TakenDelivery, 'id' | 'attempts'>;

/** Settles it and erases what it said and to whom. Changes nothing where somebody else has taken it since. */
export async function settleDelivery(
  db: NotificationDb,
  { id, attempts }: Taken,
  outcome: 'sent' | 'given-up',
  failure: string | null = null,
): Promise<void> {
  await db.$executeRaw`
    UPDATE deliveries SET settled_at = now(), outcome = ${outcome}, failure = ${failure}, content = NULL,
      address = NULL
    WHERE id = ${id}::uuid AND attempts = ${attempts}::int AND settled_at IS NULL`;
}

export async function postponeDelivery(
  db: NotificationDb,
  { id, attempts }: Taken,
  delayMs: number,
  failure: string,
): Promise<void> {
  await db.$executeRaw`
    UPDATE deliveries SET due_at = now() + ${delayMs}::int * interval '1 ms', failure = ${failure}
    WHERE id = ${id}::uuid AND attempts = ${attempts}::int AND settled_at IS NULL`;
}

/** Of those settled more than `days` ago; resolves to how many, at most `limit`. */
export async function forgetDeliveries(db: NotificationDb, days: number, limit: number): Promise<number> {
  return db.$executeRaw`
    DELETE FROM deliveries WHERE id IN (
      SELECT id FROM deliveries WHERE settled_at < now() - ${days}::int * interval '1 day'
      ORDER BY settled_at LIMIT ${limit}::int FOR UPDATE SKIP LOCKED)`;
}
