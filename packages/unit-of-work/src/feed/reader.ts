import type { Pool } from 'pg';
import type { FeedPosition, FeedReader, RawClient } from '../api.js';
import { prepared } from '../prepared.js';
import { decodeCursor, haveSameEpoch } from './cursor.js';
import { readMany } from './read-many.js';
import {
  type EntryRow,
  entryOf,
  type HeadRow,
  headColumns,
  one,
  type PlaceRow,
  placeOf,
  positionOf,
} from './rows.js';

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
      const row = one((await pool.query<PlaceRow>(place([userId]))).rows);
      return placeOf(userId, row, decodeCursor(userId, cursor));
    },

    readMany: (questions, most) => readMany(pool, questions, most),

    sameEpoch: haveSameEpoch,
  };
}

/** The head as this transaction's snapshot has it; makes the transaction read-only. */
export async function headOfSnapshot(db: RawClient, userId: string): Promise<FeedPosition> {
  return positionOf(userId, one(await db.$queryRawUnsafe<HeadRow[]>(headReadOnly, userId)));
}
