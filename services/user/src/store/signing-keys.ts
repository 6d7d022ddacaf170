import type { JWK } from 'jose';
import { signingKey } from '../domain/key-schedule.js';
import type { StoredPrivateKey } from '../domain/sealed-keys.js';
import type { UserDb } from './database.js';

/** The number of the advisory lock that a transaction holds while it makes, seals or deletes keys. */
const lockKey = 4_001;

/** A key as its row holds it. The private key may be sealed. */
export interface StoredKey {
  id: string;
  stored: StoredPrivateKey;
  publicJwk: JWK;
  signsFrom: Date;
}

/** All keys, and whether this transaction may change them. */
export interface LockedKeys {
  keys: StoredKey[];
  mayChange: boolean;
}

/**
 * Tries to lock the signing keys. If another transaction holds the lock, this one only reads the keys. It waits for the
 * lock only if no key can sign yet.
 */
export async function lockSigningKeys(db: UserDb, now: Date): Promise<LockedKeys> {
  const mayChange = await tryLock(db);
  const keys = await readKeys(db);
  if (mayChange || signingKey(keys, now)) return { keys, mayChange };
  await db.$queryRawUnsafe('SELECT pg_advisory_xact_lock($1)::text', lockKey);
  return { keys: await readKeys(db), mayChange: true };
}

export async function insertSigningKey(
  db: UserDb,
  { id, stored, publicJwk, signsFrom }: StoredKey,
): Promise<void> {
  const data = { id, privateJwk: { ...stored }, publicJwk: { ...publicJwk }, signsFrom };
  await db.signingKey.create({ data });
}

export async function updatePrivateKey(db: UserDb, id: string, stored: StoredPrivateKey): Promise<void> {
  await db.signingKey.update({ where: { id }, data: { privateJwk: { ...stored } } });
}

export async function deleteSigningKeys(db: UserDb, keys: readonly StoredKey[]): Promise<void> {
  if (keys.length > 0) await db.signingKey.deleteMany({ where: { id: { in: keys.map(({ id }) => id) } } });
}

async function tryLock(db: UserDb): Promise<boolean> {
  const sql = 'SELECT pg_try_advisory_xact_lock($1) AS held';
  const [row] = await db.$queryRawUnsafe<{ held: boolean }[]>(sql, lockKey);
  return row?.held === true;
}

async function readKeys(db: UserDb): Promise<StoredKey[]> {
  const rows = await db.signingKey.findMany({ orderBy: { signsFrom: 'desc' } });
  return rows.map(({ id, privateJwk, publicJwk, signsFrom }) => ({
    id,
    stored: privateJwk as StoredPrivateKey,
    publicJwk: publicJwk as JWK,
    signsFrom,
  }));
}
