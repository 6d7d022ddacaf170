import type { Pool } from 'pg';
import type { FeedEntry, FeedPosition, FeedReader, RawClient } from '../api.js';
import { prepared } from '../prepared.js';
import { decodeCursor, encodeCursor, type FeedEpoch, haveSameEpoch, sameEpoch } from './cursor.js';

/** The head of a feed as the queries below return it; `head_*` are null for a user without one. */
interface HeadRow {
  epoch: string;
  head_epoch: number | null;
  head_seq: string | bigint | null;
}

interface EntryRow extends HeadRow {
  seq: string | null;
  type: string;
  id: string;
  time: Date;
  data: unknown;
}

const headColumns = 'm.epoch, h.epoch AS head_epoch, h.seq AS head_seq';
const ofOneUser = 'messaging.meta m LEFT JOIN messaging.feed_head h ON h.user_id = $1';

const head = prepared('feed_head', `SELECT ${headColumns} FROM ${ofOneUser}`);

/** Read-only from here on; in a repeatable-read transaction it also fixes the snapshot. */
const headReadOnly = `
SELECT ${headColumns}, set_config('transaction_read_only', 'on', true) FROM ${ofOneUser}`;

const heads = prepared(
  'feed_heads',
  `
SELECT ${headColumns}, h.user_id
FROM messaging.meta m CROSS JOIN messaging.feed_head h WHERE h.user_id = ANY($1::text[])`,
);

const page = prepared(
  'feed_page',
  `
SELECT ${headColumns}, e.*
FROM ${ofOneUser}
LEFT JOIN LATERAL (
  SELECT seq, type, id, time, data FROM messaging.feed WHERE user_id = $1 AND seq > $2 ORDER BY seq LIMIT $3
) e ON true
ORDER BY e.seq`,
);

const oldest = `
coalesce(
  (SELECT min(seq) - 1 FROM messaging.feed WHERE user_id = $1),
  (SELECT seq FROM messaging.feed_head WHERE user_id = $1),
  0
) AS floor`;

const floor = prepared('feed_floor', `SELECT ${oldest}`);

const place = prepared('feed_place', `SELECT ${headColumns}, ${oldest} FROM ${ofOneUser}`);

/** Reads feeds over `pool`. Every answer is one statement, so it is one snapshot. */
export function createFeedReader(pool: Pool): FeedReader {
  return {
    async head(userId) {
      return positionOf(userId, one((await pool.query<HeadRow>(head([userId]))).rows));
    },

    async heads(userIds) {
      const { rows } = await pool.query<HeadRow & { user_id: string }>(heads([userIds]));
      return new Map(rows.map((row) => [row.user_id, positionOf(row.user_id, row)]));
    },

    async read(userId, after, limit) {
      const { rows } = await pool.query<EntryRow>(page([userId, after, limit]));
      return {
        entries: rows.filter((row) => row.seq !== null).map((row) => entryOf(userId, row)),
        head: positionOf(userId, one(rows)),
      };
    },

    async floor(userId) {
      return Number(one((await pool.query<{ floor: string }>(floor([userId]))).rows).floor);
    },

    async resolve(userId, cursor) {
      const row = one((await pool.query<HeadRow & { floor: string }>(place([userId]))).rows);
      const position = positionOf(userId, row);
      const asked = decodeCursor(userId, cursor);
      if (!asked) return { ok: false, reason: 'unknown', head: position };
      if (!sameEpoch(asked.epoch, epochOf(row))) return { ok: false, reason: 'epoch', head: position };
      if (asked.seq > position.seq) return { ok: false, reason: 'unknown', head: position };
      if (asked.seq < Number(row.floor)) return { ok: false, reason: 'too-old', head: position };
      return { ok: true, seq: asked.seq, head: position };
    },

    sameEpoch: haveSameEpoch,
  };
}

/** The head as this transaction's snapshot has it; makes the transaction read-only. */
export async function headOfSnapshot(db: RawClient, userId: string): Promise<FeedPosition> {
  return positionOf(userId, one(await db.$queryRawUnsafe<HeadRow[]>(headReadOnly, userId)));
}

function one<Row>(rows: Row[]): Row {
  const row = rows[0];
  if (!row) throw new Error('messaging.meta is empty: the messaging schema is damaged');
  return row;
}

function epochOf(row: HeadRow): FeedEpoch {
  return { database: row.epoch, feed: row.head_epoch ?? 0 };
}

function positionOf(userId: string, row: HeadRow): FeedPosition {
  const seq = Number(row.head_seq ?? 0);
  return { seq, cursor: encodeCursor(userId, { epoch: epochOf(row), seq }) };
}

function entryOf(userId: string, row: EntryRow): FeedEntry {
  const { type, id, data } = row;
  const seq = Number(row.seq);
  const cursor = encodeCursor(userId, { epoch: epochOf(row), seq });
  return { userId, seq, cursor, type, id, time: row.time.toISOString(), data };
}
