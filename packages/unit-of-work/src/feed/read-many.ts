import type { Pool } from 'pg';
import type { FeedAnswer, FeedQuestion, FeedReader, MostOfEach } from '../api.js';
import { damaged, type Schema } from '../schema/schema.js';
import { decodeCursor } from './cursor.js';
import { type EntryRow, entryOf, headColumns, type PlaceRow, placeOf, positionOf } from './rows.js';

/**
 * For each question: `$2` is null if it asks for the head only. `$3` and `$4` are null if it has a `seq` instead of a
 * cursor, whose epoch needs no check. An entry is left out if the ones before it fill the bytes, so the first one is always
 * returned.
 */
const statementIn = (schema: Schema) =>
  schema.prepared(
    'feed_many',
    `
SELECT q.number, ${headColumns}, f.floor, e.*
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[])
  WITH ORDINALITY AS q (user_id, after, epoch, feed_epoch, number)
CROSS JOIN ${schema}.meta m
LEFT JOIN ${schema}.feed_head h ON h.user_id = q.user_id
CROSS JOIN LATERAL (
  SELECT coalesce((SELECT min(seq) - 1 FROM ${schema}.feed WHERE user_id = q.user_id), h.seq, 0) AS floor
) f
LEFT JOIN LATERAL (
  SELECT seq, type, id, time, data FROM (
    SELECT *, sum(octet_length(data::text)) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING)
      - octet_length(data::text) AS before
    FROM (
      SELECT seq, type, id, time, data FROM ${schema}.feed
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
export function createReadMany(pool: Pool, schema: Schema): FeedReader['readMany'] {
  const statement = statementIn(schema);
  return (questions, most) => readMany(pool, statement, questions, most);
}

async function readMany(
  pool: Pool,
  statement: ReturnType<typeof statementIn>,
  questions: readonly FeedQuestion[],
  { entries, bytes }: MostOfEach,
): Promise<FeedAnswer[]> {
  if (questions.length === 0) return [];
  const asked = questions.map(placeAsked);
  const { rows } = await pool.query<Row>(
    statement([
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
    if (!question) throw new Error('the database returned a row for a question that was not asked');
    answers[index] ??= { place: placeFound(question, row), entries: [] };
    if (row.seq !== null) answers[index].entries.push(entryOf(question.userId, row));
  }
  if (answers.length !== questions.length) throw damaged();
  return answers;
}

interface Asked {
  seq: number;
  /** Undefined if `seq` is known to be of this feed. */
  epoch?: { database: string; feed: number };
}

/** Returns undefined if no entries can follow: the question is for the head only, or has no cursor of this user. */
function placeAsked({ userId, from }: FeedQuestion): Asked | undefined {
  if (from === undefined) return undefined;
  return typeof from === 'string' ? decodeCursor(userId, from) : { seq: from };
}

function placeFound({ userId, from }: FeedQuestion, row: Row): FeedAnswer['place'] {
  if (typeof from === 'string') return placeOf(userId, row, decodeCursor(userId, from));
  const head = positionOf(userId, row);
  return { ok: true, seq: from ?? head.seq, head };
}
