import { setTimeout as pause } from 'node:timers/promises';
import { backOffMs } from '@warren/timing';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { Clock, UserContext } from '../context.js';
import { type KeySchedule, nextKey, retiredKeys, signingKey } from '../domain/key-schedule.js';
import { type KeySeal, UnreadableKeyError } from '../domain/sealed-keys.js';
import type { KeyRing, SigningKey } from '../providers/access-tokens.js';
import type { UserDb } from '../store/database.js';
import {
  deleteSigningKeys,
  insertSigningKey,
  lockSigningKeys,
  readSigningKeys,
  type StoredKey,
  tryLockSigningKeys,
  updatePrivateKey,
} from '../store/signing-keys.js';

type Dependencies = Pick<UserContext, 'client'> & {
  schedule: KeySchedule;
  seal: KeySeal;
  keyRing: KeyRing;
  now: Clock;
};

/**
 * Rotates the signing keys and loads them into the key ring: makes the next key, deletes keys whose last token has
 * expired, and seals keys that are stored in plain text or under the previous secret. If another instance does this at
 * the same time, it only loads the keys.
 *
 * The transaction doesn't go through the unit of work. It publishes nothing, so it must not depend on the broker.
 *
 * @throws UnreadableKeyError if a key was sealed with an unknown secret
 */
export function createKeepSigningKeys({
  client,
  schedule,
  seal,
  keyRing,
  now,
}: Dependencies): () => Promise<void> {
  return async () => {
    const keys = await client.$transaction(async (tx) => {
      const { keys, mayChange } = await readAndLock(tx, now());
      const opened = keys.map((key) => ({ ...key, privateJwk: seal.open(key.id, key.stored) }));
      if (!mayChange) return opened;
      const retired = new Set(retiredKeys(opened, now(), schedule));
      await deleteSigningKeys(tx, [...retired]);
      const kept = opened.filter((key) => !retired.has(key));
      for (const { id, stored, privateJwk } of kept)
        if (seal.isOutdated(id, stored)) await updatePrivateKey(tx, id, seal.seal(id, privateJwk));
      const signsFrom = nextKey(kept, now(), schedule);
      if (!signsFrom) return kept;
      const made = await makeKey(signsFrom, seal);
      await insertSigningKey(tx, made);
      return [made, ...kept];
    });
    await keyRing.replace(keys);
  };
}

/** Waits for the lock only if no key can sign yet. Otherwise it is enough to read the keys. */
async function readAndLock(tx: UserDb, now: Date): Promise<{ keys: StoredKey[]; mayChange: boolean }> {
  const mayChange = await tryLockSigningKeys(tx);
  const keys = await readSigningKeys(tx);
  if (mayChange || signingKey(keys, now)) return { keys, mayChange };
  await lockSigningKeys(tx);
  return { keys: await readSigningKeys(tx), mayChange: true };
}

async function makeKey(signsFrom: Date, seal: KeySeal): Promise<StoredKey & SigningKey> {
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

const mostTries = 5;
const startBackOff = { firstMs: 500, maxMs: 4_000 };

/**
 * Loads the keys at start. If the database is slow, or another instance holds the lock for long, it tries up to five
 * times, with pauses that double. Throws the last error, and an `UnreadableKeyError` at once.
 */
export async function loadKeysAtStart<T>(
  load: () => Promise<T>,
  log: UserContext['log'],
  backOff = startBackOff,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await load();
    } catch (error) {
      if (error instanceof UnreadableKeyError || tries === mostTries) throw error;
      log.warn({ err: error, tries }, 'the signing keys could not be loaded at start, trying again');
      await pause(backOffMs(tries, backOff));
    }
  }
}
