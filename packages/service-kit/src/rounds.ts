import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Background } from './definition.js';

export interface Rounds {
  name: string;
  /** Milliseconds between rounds. */
  everyMs: number;
  /** Milliseconds before the first round. Default: none. */
  firstAfterMs?: number;
  log: Logger;
  /** Does a bounded piece of the work, and ends early when `signal` aborts. Resolves to whether more work is waiting. */
  round(signal: AbortSignal): Promise<boolean>;
}

/** Background work that is repeated: at once while more work is waiting, otherwise every `everyMs`, also after a failure. */
export function rounds({ name, everyMs, firstAfterMs = 0, log, round }: Rounds): Background {
  const stopping = new AbortController();
  const { signal } = stopping;
  let running: Promise<void> = Promise.resolve();

  async function runUntilStopped(): Promise<void> {
    await wait(firstAfterMs);
    while (!signal.aborted) {
      const isMore = await round(signal).catch((error: unknown) => {
        log.warn({ err: error, part: name }, 'a round failed; the next one follows as usual');
        return false;
      });
      if (!isMore) await wait(everyMs);
    }
  }

  async function wait(ms: number): Promise<void> {
    if (ms > 0) await pause(ms, undefined, { signal }).catch(() => undefined);
  }

  return {
    name,
    start() {
      running = runUntilStopped();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
