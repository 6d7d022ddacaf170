import { setTimeout as pause } from 'node:timers/promises';
import type { Background, ServiceContext } from '@warren/service-kit';
import type { NotificationDb, PrismaClient } from '../store/database.js';

interface Rounds extends Pick<ServiceContext<unknown, NotificationDb, PrismaClient>, 'log'> {
  name: string;
  /** Milliseconds between rounds. */
  everyMs: number;
  /** Does a bounded piece of the work, less once the signal comes. Resolves to whether the next piece waits. */
  round(signal: AbortSignal): Promise<boolean>;
}

/** Work that comes round again and again; a round that fails is made up for by the next one. */
export function rounds({ name, everyMs, log, round }: Rounds): Background {
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();

  async function runUntilStopped(): Promise<void> {
    while (!stopping.signal.aborted) {
      const isMore = await round(stopping.signal).catch((error: unknown) => {
        log.warn({ err: error, part: name }, 'a round failed, the next one is due');
        return false;
      });
      if (!isMore) await pause(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
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
