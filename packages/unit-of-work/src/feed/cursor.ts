import { hash } from 'node:crypto';

/**
 * What a cursor says: a position in one user's feed. To clients a cursor is opaque: 32 characters of base64url for 24 bytes,
 * which are the layout's version (1), the database's epoch (8), the feed's own epoch (4), seq (6) and the start of the user
 * id's SHA-256 (5).
 *
 * The hash keeps a client from using another user's cursor by mistake. It is no protection: a feed is always read for the
 * authenticated user.
 */
export interface CursorPlace {
  epoch: FeedEpoch;
  seq: number;
}

/** Changes when the numbers of a feed may mean other entries than before. */
export interface FeedEpoch {
  /** The epoch of the whole database, 16 hexadecimal digits. Changes when it is restored from a backup. */
  database: string;
  /** The epoch of this feed. Grows by one when its user is erased. */
  feed: number;
}

const layout = 1;
const size = 24;

export function encodeCursor(userId: string, { epoch, seq }: CursorPlace): string {
  const bytes = Buffer.allocUnsafe(size);
  bytes.writeUInt8(layout, 0);
  bytes.write(epoch.database, 1, 8, 'hex');
  bytes.writeUInt32BE(epoch.feed, 9);
  bytes.writeUIntBE(seq, 13, 6);
  userMark(userId).copy(bytes, 19);
  return bytes.toString('base64url');
}

/** Returns undefined for anything that is not a cursor of this user's feed. */
export function decodeCursor(userId: string, cursor: string): CursorPlace | undefined {
  const bytes = Buffer.from(cursor, 'base64url');
  if (bytes.length !== size || bytes.toString('base64url') !== cursor) return undefined;
  if (bytes.readUInt8(0) !== layout || !bytes.subarray(19).equals(userMark(userId))) return undefined;
  const epoch = { database: bytes.toString('hex', 1, 9), feed: bytes.readUInt32BE(9) };
  return { epoch, seq: bytes.readUIntBE(13, 6) };
}

/** Whether two valid cursors of one feed are of the same epoch. */
export function haveSameEpoch(a: string, b: string): boolean {
  return epochBytes(a).equals(epochBytes(b));
}

function epochBytes(cursor: string): Buffer {
  return Buffer.from(cursor, 'base64url').subarray(1, 13);
}

export function sameEpoch(a: FeedEpoch, b: FeedEpoch): boolean {
  return a.database === b.database && a.feed === b.feed;
}

function userMark(userId: string): Buffer {
  return hash('sha256', userId, 'buffer').subarray(0, 5);
}
