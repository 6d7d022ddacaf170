import { v7 as uuidv7 } from 'uuid';
import type { Fixture } from './fixture.js';

export const dayMs = 86_400_000;
export const hourMs = dayMs / 24;

/** An id as it would have been made then. */
export const idOf = (time: Date) => uuidv7({ msecs: time.getTime() });

/** An event that was published then, or wasn't. */
export async function oldEvent(db: Fixture, time: Date, published = true): Promise<string> {
  const id = idOf(time);
  await db.sql(
    `INSERT INTO messaging.outbox (id, type, body, created_at, published_at)
    VALUES ($1, 'note.written', '{}', $2, CASE WHEN $3 THEN $2::timestamptz END)`,
    [id, time, published],
  );
  return id;
}

/** An inbox row for an event of `time`. */
export async function oldHandled(
  db: Fixture,
  time: Date,
  handledAt = time,
  id = idOf(time),
): Promise<string> {
  await db.sql(`INSERT INTO messaging.inbox (consumer, event_id, handled_at) VALUES ('note', $1, $2)`, [
    id,
    handledAt,
  ]);
  return id;
}

/** A feed with an entry for each of `times`, the first with `seq` 1. */
export async function oldFeed(db: Fixture, user: string, times: readonly Date[]): Promise<void> {
  await db.sql('INSERT INTO messaging.feed_head (user_id, seq) VALUES ($1, $2)', [user, times.length]);
  await db.sql(
    `INSERT INTO messaging.feed (user_id, seq, type, id, time, data)
    SELECT $1, seq, 'note.updated', gen_random_uuid(), time, '{"text":"old"}'
    FROM unnest($2::timestamptz[]) WITH ORDINALITY AS t (time, seq)`,
    [user, times],
  );
}
