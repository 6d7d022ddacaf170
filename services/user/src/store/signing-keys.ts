import type { JWK } from 'jose';
import { signingKey } from '../domain/key-schedule.js';
import type { KeySeal, StoredPrivateKey } from '../security/sealed-keys.js';
import type { UserDb } from './database.js';

/** A number that this service locks while it makes, seals or removes keys. */
const lockKey = 4_001;

/** A key as its row holds it, perhaps sealed. */
export interface StoredKey {
  id: string;
  stored: StoredPrivateKey;
  publicJwk: JWK;
  signsFrom: Date;
}

/** All keys, and whether this transaction alone may change them. */
export interface HeldKeys {
  keys: StoredKey[];
  mayChange: boolean;
}

/**
 * Whoever comes while another one changes the keys gets them as they are; only where none can sign yet does it wait
 * for the other one.
 */
export async function holdSigningKeys(tx: UserDb, now: Date): Promise<HeldKeys> {
  const mayChange = await tryLock(tx);
  const keys = await readKeys(tx);
  if (mayChange || signingKey(keys, now)) return { keys, mayChange };
  await tx.$queryRawUnsafe('SELECT pg_advisory_xact_lock($1)::text', lockKey);
  return { keys: await readKeys(tx), mayChange: true };
}

export async function insertSigningKey(
  tx: UserDb,
  { id, stored, publicJwk, signsFrom }: StoredKey,
): Promise<void> {
  const data = { id, privateJwk: { ...stored }, publicJwk: { ...publicJwk }, signsFrom };
  await tx.signingKey.create({ data });
}

/** Seals what lies open, or under a secret that is on its way out. */
export async function resealSigningKeys(
  tx: UserDb,
  keys: readonly StoredKey[],
  seal: KeySeal,
): Promise<void> {
  for (const { id, stored } of keys.filter((key) => seal.isOutdated(key.id, key.stored))) {
    const privateJwk = { ...seal.seal(id, seal.open(id, stored)) };
    await tx.signingKey.update({ where: { id }, data: { privateJwk } });
  }
}

export async function deleteSigningKeys(tx: UserDb, keys: readonly StoredKey[]): Promise<void> {
  if (keys.length > 0) await tx.signingKey.deleteMany({ where: { id: { in: keys.map(({ id }) => id) } } });
}

async function tryLock(tx: UserDb): Promise<boolean> {
  const sql = 'SELECT pg_try_advisory_xact_lock($1) AS held';
  const [row] = await tx.$queryRawUnsafe<{ held: boolean }[]>(sql, lockKey);
  return row?.held === true;
}

async function readKeys(tx: UserDb): Promise<StoredKey[]> {
  const rows = await tx.signingKey.findMany({ orderBy: { signsFrom: 'desc' } });
  return rows.map(({ id, privateJwk, publicJwk, signsFrom }) => ({
    id,
    stored: privateJwk as unknown as StoredPrivateKey,
    publicJwk: publicJwk as JWK,
    signsFrom,
  }));
}
