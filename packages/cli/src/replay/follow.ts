import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, type Io } from '../command.js';
import type { Database } from '../connections.js';
import { ago } from '../text.js';
import { type ReplayState, replayState } from './sql.js';

const pollMs = 500;
/** A running service starts a replay within two seconds. */
const hintMs = 10_000;

export interface Following {
  id: string;
  service: string;
  timeoutMs: number;
  /** After this time without a start, a hint is written. Default 10 s. */
  hintAfterMs?: number;
}

/**
 * Reports a replay's progress until it is done. Throws `Failure` if the replay failed, if it isn't done within
 * `timeoutMs`, or if the operator interrupts; in the last two cases the replay continues without this command.
 */
export async function follow(
  io: Io,
  database: Database,
  { id, service, timeoutMs, hintAfterMs = hintMs }: Following,
): Promise<ReplayState> {
  const began = Date.now();
  let reported = '';
  let hinted = false;
  for (;;) {
    const now = await replayState(database, id);
    if (!now) throw new Failure(`replay ${id} is gone from the database`);
    const progress = `${now.state}, ${now.sent} sent`;
    if (progress !== reported) io.err(`replay ${id}: ${progress}`);
    reported = progress;
    if (now.state === 'done') return now;
    if (now.state === 'failed')
      throw new Failure(`replay ${id} failed: ${now.error ?? 'no reason is recorded'}`);
    const waited = Date.now() - began;
    if (!hinted && now.state === 'waiting' && waited >= hintAfterMs) {
      hinted = true;
      io.err(
        `no instance of ${service} has started it yet; it starts when one is running and reaches the broker`,
      );
    }
    if (waited >= timeoutMs) {
      throw new Failure(`replay ${id} is not done after ${ago(waited / 1_000)}; it continues in the service`);
    }
    await pause(io, Math.min(pollMs, timeoutMs - waited), id);
  }
}

async function pause({ signal }: Io, ms: number, id: string): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    throw new Failure(`interrupted; replay ${id} continues in the service`);
  }
}
