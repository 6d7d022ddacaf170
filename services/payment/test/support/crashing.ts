import type { Operation } from '../../src/domain/operation.js';
import { defaultDurations } from '../../src/operations/durations.js';
import { createLeaseOperations } from '../../src/operations/lease-operations.js';
import { createProgress } from '../../src/operations/progress.js';
import { type ProviderCalls, providerCalls } from '../../src/operations/provider-calls.js';
import type { PaymentProvider } from '../../src/providers/provider.js';
import type { Instance } from './service.js';

const forever = () => new Promise<never>(() => undefined);
const signal = new AbortController().signal;

/** What a crashing process still does after it reserved an operation. */
export type CrashPoint = (operation: Operation, provider: PaymentProvider) => Promise<unknown>;

export const crashBeforeCall: CrashPoint = async () => undefined;
export const crashAfterCall: CrashPoint = (operation, provider) => provider.perform(operation, signal);

/**
 * Dependencies of operations in a process that crashes after it reserved an operation and did what `crashPoint` says.
 * Only the rows in the database and what the provider stored remain.
 */
export function crashingParts(
  instance: Instance,
  provider: PaymentProvider,
  { leaseMs, crashPoint }: { leaseMs: number; crashPoint: CrashPoint },
) {
  const calls: ProviderCalls = {
    admitted: (reserve) => reserve(),
    run: async (operation) => crashPoint(operation, provider).then(forever),
    running: () => undefined,
    stop: async () => undefined,
  };
  const durations = { ...defaultDurations, answerWithinMs: 100, leaseMs };
  const progress = createProgress({
    ...instance,
    calls,
    leaseOperations: createLeaseOperations({ ...instance, provider, durations }),
    durations,
  });
  return { ...instance, provider, calls, progress, durations };
}

/** The same dependencies in a process that does not crash. */
export function workingParts(instance: Instance, provider: PaymentProvider) {
  const durations = defaultDurations;
  const calls = providerCalls({ ...instance, provider, durations });
  const progress = createProgress({
    ...instance,
    calls,
    leaseOperations: createLeaseOperations({ ...instance, provider, durations }),
    durations,
  });
  return { ...instance, provider, calls, progress, durations };
}
