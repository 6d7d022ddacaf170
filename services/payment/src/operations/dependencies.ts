import type { PaymentContext } from '../context.js';
import type { PaymentProvider } from '../providers/provider.js';
import type { Progress } from './progress.js';
import type { ProviderCalls } from './provider-calls.js';
import type { Timing } from './timing.js';

/** What every operation that somebody asks for needs. */
export type OperationDependencies = Pick<PaymentContext, 'client' | 'uow'> & {
  provider: PaymentProvider;
  calls: ProviderCalls;
  progress: Progress;
  timing: Timing;
};
