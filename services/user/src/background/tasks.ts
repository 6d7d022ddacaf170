import type { Background } from '@warren/service-kit';
import type { Clock, Log } from '../context.js';
import { type KeepKeysParts, keepKeys } from '../operations/keep-keys.js';
import type { KeyRing } from '../security/key-ring.js';
import type { PrismaClient } from '../store/database.js';
import { deleteExpired } from '../store/expired.js';
import { repeated } from './repeated.js';

/** Keeps the keys as their schedule has it, and this instance's ring as the database has it. */
export function keyKeeper(parts: KeepKeysParts & { ring: KeyRing; log: Log }, everyMs: number): Background {
  const { ring, log } = parts;
  const work = async () => await ring.replace(await keepKeys(parts));
  return repeated({ name: 'key-keeper', everyMs, work, log });
}

/** Removes sessions, revocations, mailed tokens and counts of tries that are over. */
export function pruner(parts: { client: PrismaClient; now: Clock; log: Log }, everyMs: number): Background {
  const { client, now, log } = parts;
  const work = async (signal: AbortSignal) => await deleteExpired(client, now(), signal);
  return repeated({ name: 'pruner', everyMs, work, log });
}
