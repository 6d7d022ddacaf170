import { type Background, rounds } from '@warren/service-kit';
import type { Log } from '../context.js';
import { type EndRunOutParts, endRunOut } from '../operations/end-run-out.js';
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

export interface PrunerParts extends EndRunOutParts {
  client: PrismaClient;
  log: Log;
}

/**
 * Removes sessions, revocations, mailed tokens and counts of tries that are over. What publishes comes last: it is
 * refused while too much waits for the broker, and the rest goes on.
 */
export function pruner(parts: PrunerParts, everyMs: number): Background {
  const { client, now, log } = parts;
  const round = async (signal: AbortSignal) => {
    await deleteExpired(client, now(), signal);
    await endRunOut(parts, signal);
    return false;
  };
  return rounds({ name: 'pruner', everyMs, firstAfterMs: everyMs, log, round });
}
