import type { Pool } from 'pg';
import type { FeedAnswer, FeedQuestion, MostOfEach } from '../api.js';
import { prepared } from '../prepared.js';
import { decodeCursor } from './cursor.js';
import { type EntryRow, entryOf, headColumns, type PlaceRow, placeOf, positionOf } from './rows.js';

/**
 * `$2` is null for a question that asks for the head only; `$3` and `$4` are null for a `seq` without a cursor, whose
 * epoch needs no check. An entry is left out where those before it fill the bytes, so the first one always comes.
 */
const many = prepared(
  'feed_many',
  `
SELECT q.number, ${headColumns}, f.floor, e.*
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[])
  WITH ORDINALITY AS q (user_id, after, epoch, feed_epoch, number)
CROSS JOIN messaging.meta m
LEFT JOIN messaging.feed_head h ON h.user_id = q.user_id
CROSS JOIN LATERAL (
  SELECT coalesce((SELECT min(seq) - 1 FROM messaging.feed WHERE user_id = q.user_id), h.seq, 0) AS floor
) f
LEFT JOIN LATERAL (
  SELECT seq, type, id, time, data FROM (
    SELECT *, sum(octet_length(data::text)) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING)
      - octet_length(data::text) AS before
    FROM (
      SELECT seq, type, id, time, data FROM messaging.feed
      WHERE user_id = q.user_id AND seq > q.after
        AND (q.epoch IS NULL OR (q.epoch = m.epoch AND q.feed_epoch = coalesce(h.epoch, 0) AND q.after >= f.floor))
      ORDER BY seq LIMIT $5
    ) next
  ) counted
  WHERE before < $6
) e ON true
ORDER BY q.number, e.seq`,
);

type Row = PlaceRow & EntryRow & { number: string };

/** See `FeedReader.readMany`. */
export async function readMany(
  pool: Pool,
  questions: readonly FeedQuestion[],
  { entries, bytes }: MostOfEach,
): Promise<FeedAnswer[]> {
  if (questions.length === 0) return [];
  const asked = questions.map(placeAsked);
  const { rows } = await pool.query<Row>(
    many([
      questions.map(({ userId }) => userId),
      asked.map((place) => place?.seq ?? null),
      asked.map((place) => place?.epoch?.database ?? null),
      asked.map((place) => place?.epoch?.feed ?? null),
      entries,
      bytes,
    ]),
  );
  const answers: FeedAnswer[] = [];
  for (const row of rows) {
    const index = Number(row.number) - 1;
    const question = questions[index];
    if (!question) throw new Error('the database answered a question about a feed that was not asked');
    answers[index] ??= { place: placeFound(question, row), entries: [] };
    if (row.seq !== null) answers[index].entries.push(entryOf(question.userId, row));
  }
  if (answers.length !== questions.length)
    throw new Error('messaging.meta is empty: the messaging schema is damaged');
  return answers;
}

interface Asked {
  seq: number;
  /** Undefined where `seq` is known to be of this feed. */
  epoch?: { database: string; feed: number };
}

/** Undefined where no entries can follow: for the head only, and for what is no cursor of this user. */
function placeAsked({ userId, from }: FeedQuestion): Asked | undefined {
  if (from === undefined) return undefined;
  return typeof from === 'string' ? decodeCursor(userId, from) : { seq: from };
}

function placeFound({ userId, from }: FeedQuestion, row: Row): FeedAnswer['place'] {
  if (typeof from === 'string') return placeOf(userId, row, decodeCursor(userId, from));
  const head = positionOf(userId, row);
  return { ok: true, seq: from ?? head.seq, head };
}
