import type { PaymentContext } from '../context.js';
import type { PaymentProvider } from '../providers/provider.js';
import type { Durations } from './durations.js';
import type { Progress } from './progress.js';
import type { ProviderCalls } from './provider-calls.js';

/** What the operations of requests and commands need. */
export type OperationDependencies = Pick<PaymentContext, 'client' | 'uow'> & {
  provider: PaymentProvider;
  calls: ProviderCalls;
  progress: Progress;
  durations: Durations;
};
