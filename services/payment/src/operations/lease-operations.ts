import type { PaymentContext } from '../context.js';
import type { Operation } from '../domain/operation.js';
import type { PaymentProvider } from '../providers/provider.js';
import { leaseOperations } from '../store/operations.js';
import type { Durations } from './durations.js';

type Dependencies = Pick<PaymentContext, 'client'> & { provider: PaymentProvider; durations: Durations };

/** Leases open operations of this provider that no instance works on: at most `limit`, or only the one with this id. */
export type LeaseOperations = (which: { limit: number; operationId?: string }) => Promise<Operation[]>;

export function createLeaseOperations({
  client,
  provider,
  durations: { leaseMs },
}: Dependencies): LeaseOperations {
  return (which) => leaseOperations(client, { provider: provider.name, leaseMs, ...which });
}
