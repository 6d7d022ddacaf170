import type { UnitOfWork } from '@warren/unit-of-work';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { UserDb, UserTx } from './database.js';

/** A number that this service locks while it makes its first key. */
const lockKey = 4_001;

export interface StoredKey {
  id: string;
  privateJwk: JWK;
  publicJwk: JWK;
}

/** All keys, newest first. The first caller on an empty database makes one; others who come at once wait for it. */
export async function loadSigningKeys(uow: UnitOfWork<UserDb>): Promise<StoredKey[]> {
  const made = await makeKey();
  return await uow.run(async (tx) => {
    await tx.$queryRawUnsafe('SELECT pg_advisory_xact_lock($1)::text', lockKey);
    const stored = await readKeys(tx);
    if (stored.length > 0) return stored;
    await tx.signingKey.create({
      data: { id: made.id, privateJwk: { ...made.privateJwk }, publicJwk: { ...made.publicJwk } },
    });
    return [made];
  });
}

async function readKeys(tx: UserTx): Promise<StoredKey[]> {
  const rows = await tx.signingKey.findMany({ orderBy: { createdAt: 'desc' } });
  return rows.map(({ id, privateJwk, publicJwk }) => ({
    id,
    privateJwk: privateJwk as JWK,
    publicJwk: publicJwk as JWK,
  }));
}

async function makeKey(): Promise<StoredKey> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const publicJwk = await exportJWK(publicKey);
  const id = await calculateJwkThumbprint(publicJwk);
  return {
    id,
    privateJwk: { ...(await exportJWK(privateKey)), kid: id, alg: 'ES256' },
    publicJwk: { ...publicJwk, kid: id, alg: 'ES256', use: 'sig' },
  };
}
