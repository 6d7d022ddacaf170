import { type Background, rounds } from '@warren/service-kit';
import type { Clock, Log } from '../context.js';
import { type KeepKeysParts, keepKeys } from '../operations/keep-keys.js';
import type { KeyRing } from '../security/key-ring.js';
import type { PrismaClient } from '../store/database.js';
import { deleteExpired } from '../store/expired.js';

/** Keeps the keys as their schedule has it, and this instance's ring as the database has it. */
export function keyKeeper(parts: KeepKeysParts & { ring: KeyRing; log: Log }, everyMs: number): Background {
  const { ring, log } = parts;
  const round = async () => {
    await ring.replace(await keepKeys(parts));
    return false;
  };
  return rounds({ name: 'key-keeper', everyMs, firstAfterMs: everyMs, log, round });
}

/** Removes sessions, revocations, mailed tokens and counts of tries that are over. */
export function pruner(parts: { client: PrismaClient; now: Clock; log: Log }, everyMs: number): Background {
  const { client, now, log } = parts;
  const round = async (signal: AbortSignal) => {
    await deleteExpired(client, now(), signal);
    return false;
  };
  return rounds({ name: 'pruner', everyMs, firstAfterMs: everyMs, log, round });
}
