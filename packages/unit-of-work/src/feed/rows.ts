import type { FeedEntry, FeedPlace, FeedPosition } from '../api.js';
import { damaged } from '../schema/schema.js';
import { type CursorPlace, encodeCursor, type FeedEpoch, sameEpoch } from './cursor.js';

/** The columns `headColumns`. `head_epoch` and `head_seq` are null for a user without a feed. */
export interface HeadRow {
  epoch: string;
  head_epoch: number | null;
  head_seq: string | bigint | null;
}

export interface PlaceRow extends HeadRow {
  /** The lowest `seq` that a cursor may have: the feed has all entries above it. */
  floor: string;
}

/** All columns except those of the head are null if there is no entry to return. */
export interface EntryRow extends HeadRow {
  seq: string | null;
  type: string;
  id: string;
  time: Date;
  data: unknown;
}

/** Columns of `HeadRow`, from the tables `meta` as `m` and `feed_head` as `h`. */
export const headColumns = 'm.epoch, h.epoch AS head_epoch, h.seq AS head_seq';

/** The first row of a query that joins `meta`, which always has one row. */
export function one<Row>(rows: Row[]): Row {
  const row = rows[0];
  if (!row) throw damaged();
  return row;
}

function epochOf(row: HeadRow): FeedEpoch {
  return { database: row.epoch, feed: row.head_epoch ?? 0 };
}

/** Where a decoded cursor points. `asked` is undefined for text that is not a cursor of this user. */
export function placeOf(userId: string, row: PlaceRow, asked: CursorPlace | undefined): FeedPlace {
  const head = positionOf(userId, row);
  if (!asked) return { ok: false, reason: 'unknown', head };
  if (!sameEpoch(asked.epoch, epochOf(row))) return { ok: false, reason: 'epoch', head };
  if (asked.seq > head.seq) return { ok: false, reason: 'unknown', head };
  if (asked.seq < Number(row.floor)) return { ok: false, reason: 'too-old', head };
  return { ok: true, seq: asked.seq, head };
}

export function positionOf(userId: string, row: HeadRow): FeedPosition {
  const seq = Number(row.head_seq ?? 0);
  return { seq, cursor: encodeCursor(userId, { epoch: epochOf(row), seq }) };
}

export function entryOf(userId: string, row: EntryRow): FeedEntry {
  const { type, id, data } = row;
  const seq = Number(row.seq);
  const cursor = encodeCursor(userId, { epoch: epochOf(row), seq });
  return { userId, seq, cursor, type, id, time: row.time.toISOString(), data };
}
