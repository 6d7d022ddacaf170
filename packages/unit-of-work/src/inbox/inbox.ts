import type { RawClient } from '../api.js';
import { takeUserLocks, userLockKeys } from '../transaction/locks.js';

/**
 * One round trip at the head of a consuming transaction: the users' locks, and which of the events are handled
 * already.
 *
 * The snapshot is older than the locks, so an event may have been handled while this waited. The insert into
 * the inbox, at the end, then finds that one's row and reports a lost race.
 */
export async function openBatch(
  db: RawClient,
  consumer: string,
  eventIds: readonly string[],
  users: Iterable<string>,
): Promise<Set<string>> {
  const keys = userLockKeys(users);
  const [row] = await db.$queryRawUnsafe<{ handled: string[] }[]>(opening, consumer, eventIds, keys);
  return new Set(row?.handled);
}

const opening = `
WITH users AS MATERIALIZED (${takeUserLocks('$3')})
SELECT coalesce(
  (SELECT array_agg(event_id) FROM messaging.inbox WHERE consumer = $1 AND event_id = ANY($2::text[])), '{}'
) AS handled
FROM users`;
