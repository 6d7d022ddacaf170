import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { type KeySchedule, nextKey, retiredKeys } from '../domain/key-schedule.js';
import type { RingKey } from '../security/key-ring.js';
import type { KeySeal } from '../security/sealed-keys.js';
import type { PrismaClient } from '../store/database.js';
import {
  deleteSigningKeys,
  holdSigningKeys,
  insertSigningKey,
  resealSigningKeys,
  type StoredKey,
} from '../store/signing-keys.js';

export interface KeepKeysParts {
  client: PrismaClient;
  schedule: KeySchedule;
  seal: KeySeal;
  now(): Date;
}

/**
 * Does what is due (makes the next key, removes those whose last token has ended, seals what lies open) unless
 * another instance is at it, and answers the keys as they are then.
 *
 * No unit of work: it tells nobody, so a broker that is away must not keep it from its work.
 *
 * Throws `UnreadableKeyError` where the secret isn't the one that sealed a key.
 */
export async function keepKeys({ client, schedule, seal, now }: KeepKeysParts): Promise<RingKey[]> {
  return await client.$transaction(async (tx) => {
    const { keys, mayChange } = await holdSigningKeys(tx, now());
    const opened = keys.map((key) => ({ ...key, privateJwk: seal.open(key.id, key.stored) }));
    if (!mayChange) return opened;
    const retired = new Set(retiredKeys(opened, now(), schedule));
    await deleteSigningKeys(tx, [...retired]);
    const kept = opened.filter((key) => !retired.has(key));
    await resealSigningKeys(tx, kept, seal);
    const signsFrom = nextKey(kept, now(), schedule);
    if (!signsFrom) return kept;
    const made = await makeKey(signsFrom, seal);
    await insertSigningKey(tx, made);
    return [made, ...kept];
  });
}

async function makeKey(signsFrom: Date, seal: KeySeal): Promise<StoredKey & RingKey> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const publicJwk = await exportJWK(publicKey);
  const id = await calculateJwkThumbprint(publicJwk);
  const privateJwk: JWK = { ...(await exportJWK(privateKey)), kid: id, alg: 'ES256' };
  return {
    id,
    stored: seal.seal(id, privateJwk),
    privateJwk,
    publicJwk: { ...publicJwk, kid: id, alg: 'ES256', use: 'sig' },
    signsFrom,
  };
}
