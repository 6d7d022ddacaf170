import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../connections.js';
import { Failure } from '../errors.js';
import type { Io } from '../io.js';
import { ago } from '../text.js';
import { type ReplayState, replayState } from './sql.js';

const pollMs = 500;
/** A service looks every two seconds. */
const hintMs = 10_000;

export interface Following {
  id: string;
  service: string;
  timeoutMs: number;
  /** How long it may wait before that is remarkable. Default 10 s. */
  unnoticedMs?: number;
}

/**
 * Tells of a replay's progress until it is done. Throws `Failure` if it failed, or isn't done within `timeoutMs`;
 * it goes on by itself then, as it does when the operator stops waiting.
 */
export async function follow(
  io: Io,
  database: Database,
  { id, service, timeoutMs, unnoticedMs = hintMs }: Following,
): Promise<ReplayState> {
  const began = Date.now();
  let told = '';
  let hinted = false;
  for (;;) {
    const now = await replayState(database, id);
    if (!now) throw new Failure(`replay ${id} is gone from the database`);
    const news = `${now.state}, ${now.sent} sent`;
    if (news !== told) io.err(`replay ${id}: ${news}`);
    told = news;
    if (now.state === 'done') return now;
    if (now.state === 'failed')
      throw new Failure(`replay ${id} failed: ${now.error ?? 'it does not say why'}`);
    const waited = Date.now() - began;
    if (!hinted && now.state === 'waiting' && waited >= unnoticedMs) {
      hinted = true;
      io.err(
        `no running instance of ${service} has taken it up yet; the first that runs, and reaches the broker, will`,
      );
    }
    if (waited >= timeoutMs) {
      throw new Failure(`replay ${id} is not done after ${ago(waited / 1_000)}; it goes on by itself`);
    }
    await pause(io, Math.min(pollMs, timeoutMs - waited), id);
  }
}

async function pause({ signal }: Io, ms: number, id: string): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    throw new Failure(`interrupted; replay ${id} goes on by itself`);
  }
}
