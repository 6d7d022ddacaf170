import type { OutsideChannel } from '@warren/notification-contract';
import type { FairShare, UnderWay } from '../domain/fair-share.js';
import type { NotificationDb } from './database.js';
import { whoseTurn } from './turns.js';

/** A delivery that this process has taken, until its lease ends. */
export interface TakenDelivery extends UnderWay {
  id: string;
  kind: string;
  content: unknown;
  /** This one included. Settling needs it: whoever's lease ended meanwhile settles nothing. */
  attempts: number;
  giveUpAt: Date;
  createdAt: Date;
  /** It goes to the event's own address: somebody sits in front of their mailbox. */
  isAwaited: boolean;
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

/**
 * Takes the deliveries of a channel whose turn it is, each for `leaseMs`; see `whoseTurn`. Nothing is due for this
 * process where it takes none. Any number of processes take at once, and none waits for another.
 */
export async function takeDeliveries(
  db: NotificationDb,
  channel: OutsideChannel,
  { limit, leaseMs, share }: { limit: number; leaseMs: number; share: FairShare },
): Promise<TakenDelivery[]> {
  return db.$queryRaw<TakenDelivery[]>`
    WITH ${whoseTurn(channel, { limit, share })}, taken AS (
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
