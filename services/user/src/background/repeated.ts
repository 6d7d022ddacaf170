import { setTimeout as pause } from 'node:timers/promises';
import type { Background } from '@warren/service-kit';
import type { Log } from '../context.js';

/** What is done again and again, with pauses of `everyMs`; it starts with one. A failure waits for the next time. */
export interface Repeated {
  name: string;
  everyMs: number;
  work(signal: AbortSignal): Promise<void>;
  log: Log;
}

export function repeated({ name, everyMs, work, log }: Repeated): Background {
  const stopping = new AbortController();
  const { signal } = stopping;
  let running: Promise<void> = Promise.resolve();

  async function untilStopped(): Promise<void> {
    while (!signal.aborted) {
      await pause(everyMs, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await once();
    }
  }

  async function once(): Promise<void> {
    try {
      await work(signal);
    } catch (error) {
      log.warn({ err: error, task: name }, 'background work failed, the next time is due');
    }
  }

  return {
    name,
    start() {
      running = untilStopped();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
