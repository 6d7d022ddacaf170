import type { TakenDelivery } from '../domain/delivery.js';
import type { FairShare } from '../domain/fair-share.js';
import type { OutsideChannel } from '../domain/notices/kind.js';
import { Prisma } from '../generated/prisma/client.js';
import type { NotificationDb } from './database.js';

interface Take {
  limit: number;
  leaseMs: number;
  share: FairShare;
}

/**
 * Takes deliveries of a channel that are due, each for `leaseMs`: at most `limit`, at most one per person, and at most
 * one push on trial per origin. Takes awaited mails first, then the longest due. Any number of processes take at the
 * same time, and none waits for another. Resolves to none only if nothing is due that this process may take.
 */
export async function takeDeliveries(
  db: NotificationDb,
  channel: OutsideChannel,
  { limit, leaseMs, share }: Take,
): Promise<TakenDelivery[]> {
  return db.$queryRaw<TakenDelivery[]>`
    WITH waiting AS (${waiting(channel, share, limit * lookAhead)}),
    ranked AS (${ranked}),
    first AS (${first}),
    due AS (
      SELECT id, trial_origin FROM first WHERE trial_origin IS NULL OR trials <= ${share.trialsLeft}::int
      ORDER BY ${inOrder} LIMIT ${limit}::int
    ), taken AS (
      UPDATE deliveries d SET due_at = now() + ${leaseMs}::int * interval '1 ms', attempts = d.attempts + 1
      FROM due WHERE d.id = due.id RETURNING d.*, due.trial_origin
    )
    SELECT t.id, t.user_id AS "userId", t.trial_origin AS "trialOrigin", t.kind, t.content, t.attempts,
      t.give_up_at AS "giveUpAt", t.created_at AS "createdAt", t.address IS NOT NULL AS "isAwaited",
      coalesce(t.address, c.email) AS address, (t.address IS NOT NULL OR c.email_verified) AS "mayMail",
      CASE WHEN s.id IS NOT NULL THEN json_build_object('id', s.id, 'endpoint', s.endpoint, 'p256dh', s.p256dh,
        'auth', s.auth) END AS subscription
    FROM taken t LEFT JOIN user_copies c ON c.id = t.user_id
    LEFT JOIN push_subscriptions s ON s.id = nullif(t.target, '')::uuid AND s.user_id = t.user_id`;
}

/** How many deliveries are read for each that can be taken, since many may belong to one person. */
const lookAhead = 10;

const inOrder = Prisma.raw('is_awaited DESC, due_at, id');

/**
 * Whether others go first. Only a mail with its own address is awaited, and only for its first tries: any number of
 * addresses that take no mail must not delay all others. The index `deliveries_turn_idx` has the same expression.
 */
const canWait = Prisma.raw('(d.address IS NULL OR d.attempts >= 5)');

/** Locks what is due and may be taken. Leaves out what other processes have locked. */
const waiting = (channel: OutsideChannel, { busyUsers, busyOrigins, trialsLeft }: FairShare, most: number) =>
  Prisma.sql`
    SELECT d.id, d.user_id, NOT ${canWait} AS is_awaited, d.due_at, s.trial_origin
    FROM deliveries d LEFT JOIN LATERAL (
      SELECT origin AS trial_origin FROM push_subscriptions s
      WHERE s.id = nullif(d.target, '')::uuid AND s.user_id = d.user_id AND (NOT s.proven OR s.failures > 0)
    ) s ON true
    WHERE d.channel = ${channel} AND d.settled_at IS NULL AND d.due_at <= now()
      AND d.user_id <> ALL(${busyUsers}::uuid[])
      AND (s.trial_origin IS NULL
        OR (${trialsLeft}::int > 0 AND s.trial_origin <> ALL(${busyOrigins}::text[])))
    ORDER BY ${canWait}, d.due_at LIMIT ${most}::int FOR UPDATE OF d SKIP LOCKED`;

/** Numbers the deliveries of each person, and those on trial at each origin. */
const ranked = Prisma.sql`
  SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY ${inOrder}) AS of_user,
    row_number() OVER (PARTITION BY trial_origin ORDER BY ${inOrder}) AS of_origin
  FROM waiting`;

/** One delivery per person and one on trial per origin, each with the number of trials up to it. */
const first = Prisma.sql`
  SELECT *, count(trial_origin) OVER (ORDER BY ${inOrder}) AS trials
  FROM ranked WHERE of_user = 1 AND (trial_origin IS NULL OR of_origin = 1)`;

type Taken = Pick<TakenDelivery, 'id' | 'attempts'>;

/** Settles the delivery and erases its content and address. Changes nothing if another process has taken it since. */
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

/** Makes the delivery due again after `delayMs`. Changes nothing if another process has taken it since. */
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

/** Deletes deliveries that were settled more than `days` ago. Resolves to their number, at most `limit`. */
export async function forgetDeliveries(db: NotificationDb, days: number, limit: number): Promise<number> {
  return db.$executeRaw`
    DELETE FROM deliveries WHERE id IN (
      SELECT id FROM deliveries WHERE settled_at < now() - ${days}::int * interval '1 day'
      ORDER BY settled_at LIMIT ${limit}::int FOR UPDATE SKIP LOCKED)`;
}
