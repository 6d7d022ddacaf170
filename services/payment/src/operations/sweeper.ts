import { setTimeout as pause } from 'node:timers/promises';
import type { Background, ServiceContext } from '@warren/service-kit';
import type { PaymentProvider } from '../providers/provider.js';
import type { PaymentDb, PrismaClient } from '../store/database.js';
import { leaseOperations } from '../store/operations.js';
import type { ProviderCalls } from './provider-calls.js';
import type { Timing } from './timing.js';

type Dependencies = Pick<ServiceContext<unknown, PaymentDb, PrismaClient>, 'client' | 'log'> & {
  provider: PaymentProvider;
  calls: ProviderCalls;
  timing: Timing;
};

const batch = 20;

/**
 * Finds operations that a crash or an unclear answer left open, and asks the provider what became of them. Any
 * number of instances sweep at once; a lease keeps them apart.
 */
export function operationSweeper({ client, log, provider, calls, timing }: Dependencies): Background {
  const stopping = new AbortController();
  let sweeping: Promise<void> = Promise.resolve();

  async function sweepUntilStopped(): Promise<void> {
    while (!stopping.signal.aborted) {
      const found = await sweep();
      if (found < batch)
        await pause(timing.sweepEveryMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  async function sweep(): Promise<number> {
    try {
      const open = await leaseOperations(client, {
        provider: provider.name,
        leaseMs: timing.leaseMs,
        limit: batch,
      });
      await Promise.all(open.map((operation) => calls.run(operation, 'again')));
      return open.length;
    } catch (error) {
      log.warn({ err: error }, 'sweep failed, the next one is due');
      return 0;
    }
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
    },
  };
}
