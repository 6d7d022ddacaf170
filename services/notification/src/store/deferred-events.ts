import type { DomainEvent } from '@warren/contracts';
import type { NotificationDb } from './database.js';

/** Keeps the event, without the description that a payer wrote: no notice shows it. */
export async function deferEvent(
  db: NotificationDb,
  event: DomainEvent,
  people: readonly string[],
): Promise<void> {
  await db.$executeRaw`
    INSERT INTO deferred_events (id, event, people, due_at, created_at)
    VALUES (${event.id}, jsonb_set(${JSON.stringify(event)}::jsonb, '{data,description}', 'null', false),
      ${[...people]}::uuid[], now(), now())
    ON CONFLICT DO NOTHING`;
}

export interface DeferredEvent {
  event: DomainEvent;
  /** Everybody whom the event is about has a copy or a tombstone. */
  ready: boolean;
}

/**
 * The events of these types that have been due longest: at most `limit`. Events of other types wait for a build that
 * handles them. Each event is due again after 5 s, doubled each time, at most a minute.
 */
export async function dueDeferredEvents(
  db: NotificationDb,
  types: readonly string[],
  limit: number,
): Promise<DeferredEvent[]> {
  return db.$queryRaw<DeferredEvent[]>`
    WITH due AS (
      SELECT id FROM deferred_events WHERE due_at <= now() AND event->>'type' = ANY(${[...types]}::text[])
      ORDER BY due_at LIMIT ${limit}::int FOR UPDATE SKIP LOCKED
    )
    UPDATE deferred_events d SET tries = d.tries + 1,
      due_at = now() + least(5 * 2 ^ least(d.tries, 10), 60) * interval '1 s'
    FROM due WHERE d.id = due.id
    RETURNING d.event, NOT EXISTS (SELECT FROM unnest(d.people) AS person
        WHERE NOT EXISTS (SELECT FROM user_copies c WHERE c.id = person)) AS ready`;
}

/**
 * Deletes the events that are about this person alone, and the requests to notify them. What stays contains their id
 * and leads to notices for other people, which call them a deleted account.
 */
export async function eraseDeferredEvents(db: NotificationDb, userId: string): Promise<void> {
  await db.$executeRaw`
    DELETE FROM deferred_events WHERE people @> ARRAY[${userId}::uuid]
      AND (people <@ ARRAY[${userId}::uuid] OR event->'data'->>'userId' = ${userId})`;
}

/** Deletes events of any type that are older than `days`: at most `limit`. Resolves to what it deleted. */
export async function giveUpDeferredEvents(
  db: NotificationDb,
  days: number,
  limit: number,
): Promise<{ id: string; type: string }[]> {
  return db.$queryRaw<{ id: string; type: string }[]>`
    DELETE FROM deferred_events WHERE id IN (
      SELECT id FROM deferred_events WHERE created_at < now() - ${days}::int * interval '1 day'
      ORDER BY created_at LIMIT ${limit}::int FOR UPDATE SKIP LOCKED)
    RETURNING id, event->>'type' AS type`;
}

/** Deletes the event. Resolves to whether it was there: only then this transaction may handle it. */
export async function takeDeferredEvent(db: NotificationDb, id: string): Promise<boolean> {
  return (await db.$executeRaw`DELETE FROM deferred_events WHERE id = ${id}`) > 0;
}
