import type { DomainEvent } from '@warren/contracts';
import type { NotificationDb } from './database.js';

/** Whether this database has ever had the whole copy of users: see the kit's `messaging.copy`. */
export async function hasAllUsers(db: NotificationDb): Promise<boolean> {
  const [row] = await db.$queryRaw<{ complete: boolean }[]>`
    SELECT EXISTS (SELECT FROM messaging.copy WHERE source = 'user' AND completed_at IS NOT NULL) AS complete`;
  return row?.complete ?? false;
}

export async function deferEvent(
  db: NotificationDb,
  event: DomainEvent,
  people: readonly string[],
): Promise<void> {
  await db.$executeRaw`
    INSERT INTO deferred_events (id, event, people, due_at, created_at)
    VALUES (${event.id}, ${JSON.stringify(event)}::jsonb, ${[...people]}::uuid[], now(), now())
    ON CONFLICT DO NOTHING`;
}

export interface DeferredEvent {
  event: DomainEvent;
  /** Everybody whom it is about has a copy now, or a tombstone. */
  ready: boolean;
  ageMs: number;
}

/** The longest due, at most `limit`. Each is due again after 5 s, doubled with each look, at most a minute. */
export async function dueDeferredEvents(db: NotificationDb, limit: number): Promise<DeferredEvent[]> {
  return db.$queryRaw<DeferredEvent[]>`
    WITH due AS (
      SELECT id FROM deferred_events WHERE due_at <= now() ORDER BY due_at LIMIT ${limit}::int
      FOR UPDATE SKIP LOCKED
    )
    UPDATE deferred_events d SET tries = d.tries + 1,
      due_at = now() + least(5 * 2 ^ least(d.tries, 10), 60) * interval '1 s'
    FROM due WHERE d.id = due.id
    RETURNING d.event, (extract(epoch FROM now() - d.created_at) * 1000)::float8 AS "ageMs",
      NOT EXISTS (SELECT FROM unnest(d.people) AS person
        WHERE NOT EXISTS (SELECT FROM user_copies c WHERE c.id = person)) AS ready`;
}

/** Resolves to whether it was still there: then it is this transaction's to handle. */
export async function takeDeferredEvent(db: NotificationDb, id: string): Promise<boolean> {
  return (await db.$executeRaw`DELETE FROM deferred_events WHERE id = ${id}`) > 0;
}
