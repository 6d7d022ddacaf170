import type { JWK } from 'jose';
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

/** Waits until this transaction alone may change the signing keys. */
export async function lockSigningKeys(db: UserDb): Promise<void> {
  await db.$queryRawUnsafe('SELECT pg_advisory_xact_lock($1)::text', lockKey);
}

/** `lockSigningKeys` without waiting. Resolves to whether this transaction has the lock. */
export async function tryLockSigningKeys(db: UserDb): Promise<boolean> {
  const sql = 'SELECT pg_try_advisory_xact_lock($1) AS held';
  const [row] = await db.$queryRawUnsafe<{ held: boolean }[]>(sql, lockKey);
  return row?.held === true;
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

/** All signing keys, the newest first. */
export async function readSigningKeys(db: UserDb): Promise<StoredKey[]> {
  const rows = await db.signingKey.findMany({ orderBy: { signsFrom: 'desc' } });
  return rows.map(({ id, privateJwk, publicJwk, signsFrom }) => ({
    id,
    stored: privateJwk as StoredPrivateKey,
    publicJwk: publicJwk as JWK,
    signsFrom,
  }));
}
