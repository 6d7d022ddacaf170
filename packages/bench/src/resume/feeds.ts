import { createMemoryEventBus } from '@warren/event-bus';
import { createUnitOfWork } from '@warren/unit-of-work';
import { userContract } from '@warren/user-contract';
import pg from 'pg';
import { pino } from 'pino';
import type { Person } from '../driver/questions.js';
import { rawStore } from '../warren/raw-store.js';

const perBatch = 1_000;
/** The number of entries that each user has seen before the disconnect. */
const seen = 5;

export interface Absent {
  person: Person;
  cursor: string;
  from: number;
  to: number;
}

/** Gives each person a user copy, a feed of `seen` entries with a cursor at its end, and `missed` more entries. */
export async function fillFeeds(
  databaseUrl: string,
  people: readonly Person[],
  missed: number,
): Promise<Absent[]> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  const bus = createMemoryEventBus();
  const log = pino({ level: 'silent' });
  const client = rawStore.client(pool);
  const { feeds } = createUnitOfWork({ contract: userContract, client, pool, bus, log });
  const absent: Absent[] = [];
  try {
    for (let from = 0; from < people.length; from += perBatch) {
      const batch = people.slice(from, from + perBatch);
      const ids = batch.map(({ id }) => id);
      await pool.query(copies, [ids]);
      await pool.query(grow, [ids, 1, seen]);
      const heads = await feeds.heads(ids);
      await pool.query(grow, [ids, seen + 1, seen + missed]);
      for (const person of batch) {
        const cursor = heads.get(person.id)?.cursor ?? '';
        absent.push({ person, cursor, from: seen, to: seen + missed });
      }
    }
    await pool.query('VACUUM ANALYZE messaging.feed, messaging.feed_head, user_copies');
    return absent;
  } finally {
    await bus.close();
    await pool.end();
  }
}

const copies = `
INSERT INTO user_copies (id, version, display_name, locale, time_zone, email, email_verified)
SELECT id::uuid, 1, 'Someone', 'en', 'UTC', id || '@example.org', false FROM unnest($1::text[]) AS u (id)`;

/** Adds entries of about the size of a notification. */
const grow = `
WITH entries AS (
  INSERT INTO messaging.feed (user_id, seq, type, id, time, data)
  SELECT id, seq, 'notification.updated', gen_random_uuid(), now(),
    json_build_object('text', repeat('x', 400), 'seq', seq)
  FROM unnest($1::text[]) AS u (id), generate_series($2::bigint, $3::bigint) AS s (seq)
)
INSERT INTO messaging.feed_head (user_id, seq) SELECT id, $3 FROM unnest($1::text[]) AS u (id)
ON CONFLICT (user_id) DO UPDATE SET seq = excluded.seq`;
