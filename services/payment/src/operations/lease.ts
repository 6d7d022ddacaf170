import type { PaymentContext } from '../context.js';
import type { Operation } from '../domain/operation.js';
import type { PaymentProvider } from '../providers/provider.js';
import { leaseOperations } from '../store/operations.js';
import type { Timing } from './timing.js';

type Dependencies = Pick<PaymentContext, 'client'> & { provider: PaymentProvider; timing: Timing };

/** Leases open operations of this provider that no instance has: at most `limit`, or only the one with this id. */
export type Lease = (which: { limit: number; operationId?: string }) => Promise<Operation[]>;

export function createLease({ client, provider, timing: { leaseMs } }: Dependencies): Lease {
  return (which) => leaseOperations(client, { provider: provider.name, leaseMs, ...which });
}
