import type { OutsideChannel } from '@warren/contracts';
import type { FairShare, UnderWay } from '../domain/fair-share.js';
import type { NotificationDb } from './database.js';

/** A delivery that this process has taken, until its lease ends. */
export interface TakenDelivery extends UnderWay {
  id: string;
  kind: string;
  content: unknown;
  /** This one included. Settling needs it: whoever's lease ended meanwhile settles nothing. */
  attempts: number;
  giveUpAt: Date;
  createdAt: Date;
  /** The event's own address, else the person's; null where neither is known yet. */
  address: string | null;
  /** Whether mail may go there: the event's own, or verified; null where that is not known yet. */
  mayMail: boolean | null;
  /** Null where it is gone, or somebody else's by now. */
  subscription: Subscription | null;
}

export interface Subscription {
  id: string;
  endpoint: string;
  p256dh: string;
  auth: string;
}

/** How many times as many are looked at as can be taken: many may be one person's. */
const lookAhead = 10;

/**
 * Takes the longest due deliveries of a channel whose turn it is, each for `leaseMs`: at most `limit`, one of a person,
 * one of what is on trial at an origin. Nothing is due for this process where it takes none. Any number of processes
 * take at once, and none waits for another.
 */
export async function takeDeliveries(
  db: NotificationDb,
  channel: OutsideChannel,
  { limit, leaseMs, share }: { limit: number; leaseMs: number; share: FairShare },
): Promise<TakenDelivery[]> {
  return db.$queryRaw<TakenDelivery[]>`
    WITH waiting AS (
      SELECT d.id, d.user_id, d.due_at, s.trial_origin FROM deliveries d LEFT JOIN LATERAL (
        SELECT origin AS trial_origin FROM push_subscriptions s
        WHERE s.id = nullif(d.target, '')::uuid AND s.user_id = d.user_id AND (NOT s.proven OR s.failures > 0)
      ) s ON true
      WHERE d.channel = ${channel} AND d.settled_at IS NULL AND d.due_at <= now()
        AND d.user_id <> ALL(${share.busyUsers}::uuid[])
        AND (s.trial_origin IS NULL
          OR (${share.trialsLeft}::int > 0 AND s.trial_origin <> ALL(${share.busyOrigins}::text[])))
      ORDER BY d.due_at LIMIT ${limit * lookAhead}::int FOR UPDATE OF d SKIP LOCKED
    ), one_each AS (
      SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY due_at, id) AS of_user,
        row_number() OVER (PARTITION BY trial_origin ORDER BY due_at, id) AS of_origin
      FROM waiting
    ), in_turn AS (
      SELECT *, count(trial_origin) OVER (ORDER BY due_at, id) AS trials FROM one_each
      WHERE of_user = 1 AND (trial_origin IS NULL OR of_origin = 1)
    ), due AS (
      SELECT id, trial_origin FROM in_turn WHERE trial_origin IS NULL OR trials <= ${share.trialsLeft}::int
      ORDER BY due_at, id LIMIT ${limit}::int
    ), taken AS (
      UPDATE deliveries d SET due_at = now() + ${leaseMs}::int * interval '1 ms', attempts = d.attempts + 1
      FROM due WHERE d.id = due.id RETURNING d.*, due.trial_origin
    )
    SELECT t.id, t.user_id AS "userId", t.trial_origin AS "trialOrigin", t.kind, t.content, t.attempts, t.give_up_at AS "giveUpAt", t.created_at AS "createdAt",
      coalesce(t.address, c.email) AS address, (t.address IS NOT NULL OR c.email_verified) AS "mayMail",
      CASE WHEN s.id IS NOT NULL THEN json_build_object('id', s.id, 'endpoint', s.endpoint, 'p256dh', s.p256dh,
        'auth', s.auth) END AS subscription
    FROM taken t LEFT JOIN user_copies c ON c.id = t.user_id
    LEFT JOIN push_subscriptions s ON s.id = nullif(t.target, '')::uuid AND s.user_id = t.user_id`;
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
