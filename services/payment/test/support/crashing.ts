import type { Operation } from '../../src/domain/operation.js';
import { createLease } from '../../src/operations/lease.js';
import { createProgress } from '../../src/operations/progress.js';
import { type ProviderCalls, providerCalls } from '../../src/operations/provider-calls.js';
import { defaultTiming } from '../../src/operations/timing.js';
import type { PaymentProvider } from '../../src/providers/provider.js';
import type { Instance } from './service.js';

const forever = () => new Promise<never>(() => undefined);
const signal = new AbortController().signal;

/** What a process still does after the reservation. */
export type LastWords = (operation: Operation, provider: PaymentProvider) => Promise<unknown>;

export const beforeTheCall: LastWords = async () => undefined;
export const afterTheCall: LastWords = (operation, provider) => provider.perform(operation, signal);

/**
 * The parts of a process that dies in the middle of an operation: whatever follows the reservation is `lastWords`,
 * and then nothing. All that stays is what is in the database and what the provider knows.
 */
export function crashing(
  instance: Instance,
  provider: PaymentProvider,
  { leaseMs, lastWords }: { leaseMs: number; lastWords: LastWords },
) {
  const calls: ProviderCalls = {
    admitted: (reserve) => reserve(),
    run: async (operation) => lastWords(operation, provider).then(forever),
    running: () => undefined,
    stop: async () => undefined,
  };
  const timing = { ...defaultTiming, answerWithinMs: 100, leaseMs };
  const progress = createProgress({
    ...instance,
    calls,
    lease: createLease({ ...instance, provider, timing }),
    timing,
  });
  return { ...instance, provider, calls, progress, timing };
}

/** The same parts of a process that lives. */
export function living(instance: Instance, provider: PaymentProvider) {
  const timing = defaultTiming;
  const calls = providerCalls({ ...instance, provider, timing });
  const progress = createProgress({
    ...instance,
    calls,
    lease: createLease({ ...instance, provider, timing }),
    timing,
  });
  return { ...instance, provider, calls, progress, timing };
}
