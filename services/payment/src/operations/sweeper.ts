import { setTimeout as pause } from 'node:timers/promises';
import type { Background } from '@warren/service-kit';
import type { PaymentContext } from '../context.js';
import type { Operation } from '../domain/operation.js';
import type { PaymentProvider } from '../providers/provider.js';
import { leaseOperations } from '../store/operations.js';
import type { ProviderCalls } from './provider-calls.js';
import type { Timing } from './timing.js';

type Dependencies = Pick<PaymentContext, 'client' | 'log'> & {
  provider: PaymentProvider;
  calls: ProviderCalls;
  timing: Timing;
};

/** Calls of one sweeper at the same time. */
const mostAtOnce = 20;

/**
 * Finds operations that a crash or an unclear answer left open, and asks the provider what became of them. Any
 * number of instances sweep at once; a lease keeps them apart. An answer that is long in coming holds up no others.
 */
export function operationSweeper({ client, log, provider, calls, timing }: Dependencies): Background {
  const stopping = new AbortController();
  const asking = new Set<Promise<void>>();
  let sweeping: Promise<void> = Promise.resolve();

  async function sweepUntilStopped(): Promise<void> {
    while (!stopping.signal.aborted) {
      const free = mostAtOnce - asking.size;
      if (free === 0) await Promise.race(asking);
      else if ((await sweep(free)) < free)
        await pause(timing.sweepEveryMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  async function sweep(limit: number): Promise<number> {
    try {
      const lease = { provider: provider.name, leaseMs: timing.leaseMs, limit };
      const due = await leaseOperations(client, lease);
      for (const operation of due) ask(operation);
      return due.length;
    } catch (error) {
      log.warn({ err: error }, 'sweep failed, the next one is due');
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
