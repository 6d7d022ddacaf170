import type { RawClient } from '../api.js';
import { takeUserLocks, tryUserLocks } from '../transaction/locks.js';

export interface Opening {
  consumer: string;
  eventIds: readonly string[];
  /** Keys of users' locks. */
  userKeys: readonly string[];
  /** From now on, longest wait of this transaction for any lock. */
  lockWaitMs: number;
}

export interface Opened {
  /** Of the events, those that are handled already. */
  handled: Set<string>;
  /** Of the keys, those whose locks others hold. All others are taken. */
  held: Set<string>;
}

/**
 * One round trip at the head of a consuming transaction: the users' locks as far as they are free, and which of the
 * events are handled already. It waits for nobody: a transaction that holds locks of many users must not.
 *
 * The snapshot is older than the locks, so an event may have been handled just before. The insert into the inbox, at
 * the end, then finds that one's row and reports a lost race.
 */
export async function openBatch(db: RawClient, opening: Opening): Promise<Opened> {
  const { consumer, eventIds, userKeys, lockWaitMs } = opening;
  const [row] = await db.$queryRawUnsafe<{ handled: string[]; held: string[] }[]>(
    open,
    consumer,
    eventIds,
    userKeys,
    String(lockWaitMs),
  );
  return { handled: new Set(row?.handled), held: new Set(row?.held) };
}

const open = `
WITH held AS MATERIALIZED (${tryUserLocks('$3')})
SELECT coalesce((SELECT array_agg(k::text) FROM held), '{}') AS held, coalesce(
  (SELECT array_agg(event_id) FROM messaging.inbox WHERE consumer = $1 AND event_id = ANY($2::text[])), '{}'
) AS handled, set_config('lock_timeout', $4, true) AS lock_timeout`;

/**
 * Waits for users' locks in a transaction that holds none yet, so that no two wait in a circle. Rejects with a lock
 * time-out.
 */
export async function awaitUserLocks(
  db: RawClient,
  userKeys: readonly string[],
  lockWaitMs: number,
): Promise<void> {
  await db.$queryRawUnsafe(`SELECT set_config('lock_timeout', $1, true) AS lock_timeout`, String(lockWaitMs));
  await db.$queryRawUnsafe(takeUserLocks('$1'), userKeys);
}
