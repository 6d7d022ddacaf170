import type { Pool } from 'pg';
import type { FeedPosition, FeedReader, RawClient } from '../api.js';
import type { Schema } from '../schema/schema.js';
import { decodeCursor, haveSameEpoch } from './cursor.js';
import { createReadMany } from './read-many.js';
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

const ofOneUser = (schema: Schema) => `${schema}.meta m LEFT JOIN ${schema}.feed_head h ON h.user_id = $1`;

/** Makes the transaction read-only, and takes its snapshot if it is repeatable-read. */
const headReadOnly = (schema: Schema) => `
SELECT ${headColumns}, set_config('transaction_read_only', 'on', true) FROM ${ofOneUser(schema)}`;

function statementsOf(schema: Schema) {
  const user = ofOneUser(schema);
  const oldest = `
coalesce(
  (SELECT min(seq) - 1 FROM ${schema}.feed WHERE user_id = $1),
  (SELECT seq FROM ${schema}.feed_head WHERE user_id = $1),
  0
) AS floor`;

  return {
    head: schema.prepared('feed_head', `SELECT ${headColumns} FROM ${user}`),
    heads: schema.prepared(
      'feed_heads',
      `
SELECT ${headColumns}, h.user_id
FROM ${schema}.meta m CROSS JOIN ${schema}.feed_head h WHERE h.user_id = ANY($1::text[])`,
    ),
    page: schema.prepared(
      'feed_page',
      `
SELECT ${headColumns}, e.*
FROM ${user}
LEFT JOIN LATERAL (
  SELECT seq, type, id, time, data FROM ${schema}.feed WHERE user_id = $1 AND seq > $2 ORDER BY seq LIMIT $3
) e ON true
ORDER BY e.seq`,
    ),
    floor: schema.prepared('feed_floor', `SELECT ${oldest}`),
    place: schema.prepared('feed_place', `SELECT ${headColumns}, ${oldest} FROM ${user}`),
  };
}

/** Reads feeds over `pool`. Each method runs one statement, so its result is of one snapshot. */
export function createFeedReader(pool: Pool, schema: Schema): FeedReader {
  const { head, heads, page, floor, place } = statementsOf(schema);
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

    readMany: createReadMany(pool, schema),

    sameEpoch: haveSameEpoch,
  };
}

/** Reads the head of a feed in a transaction's snapshot, and makes the transaction read-only. */
export function createSnapshotHead(schema: Schema) {
  const statement = headReadOnly(schema);
  return async (db: RawClient, userId: string): Promise<FeedPosition> =>
    positionOf(userId, one(await db.$queryRawUnsafe<HeadRow[]>(statement, userId)));
}
