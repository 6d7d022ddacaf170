import { setTimeout as pause } from 'node:timers/promises';
import type { Background } from '@warren/service-kit';
import type { PaymentContext } from '../context.js';
import type { Operation } from '../domain/operation.js';
import type { LeaseOperations } from '../operations/lease-operations.js';
import type { ProviderCalls } from '../operations/provider-calls.js';

type Dependencies = Pick<PaymentContext, 'log'> & {
  calls: ProviderCalls;
  leaseOperations: LeaseOperations;
  everyMs: number;
};

/** How many calls one sweeper makes at the same time. */
const maxCalls = 20;

/**
 * Finds operations that a crash or an unclear answer left open, and asks the provider for their outcome. Any number of
 * instances can sweep at the same time, because each operation is leased by one of them. A slow answer delays no other
 * operation.
 */
export function operationSweeper({ log, calls, leaseOperations, everyMs }: Dependencies): Background {
  const stopping = new AbortController();
  const asking = new Set<Promise<void>>();
  let sweeping: Promise<void> = Promise.resolve();

  async function sweepUntilStopped(): Promise<void> {
    while (!stopping.signal.aborted) {
      const free = maxCalls - asking.size;
      if (free === 0) await Promise.race(asking);
      else if ((await sweep(free)) < free)
        await pause(everyMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  async function sweep(limit: number): Promise<number> {
    try {
      const due = await leaseOperations({ limit });
      for (const operation of due) ask(operation);
      return due.length;
    } catch (error) {
      log.warn({ err: error }, 'a sweep failed; it will be repeated');
      return 0;
    }
  }

  function ask(operation: Operation): void {
    const done: Promise<void> = calls.run(operation, 'again').then(() => {
      asking.delete(done);
    });
    asking.add(done);
  }

  return {
    name: 'operation-sweeper',
    start() {
      sweeping = sweepUntilStopped();
    },
    async stop() {
      stopping.abort();
      await calls.stop();
      await sweeping;
      await Promise.all(asking);
    },
  };
}
