import type { ServiceContext } from '@warren/service-kit';
import type { PaymentProvider } from '../providers/provider.js';
import type { PaymentDb, PrismaClient } from '../store/database.js';
import type { Progress } from './progress.js';
import type { ProviderCalls } from './provider-calls.js';
import type { Timing } from './timing.js';

/** What every operation that somebody asks for needs. */
export type OperationDependencies = Pick<
  ServiceContext<unknown, PaymentDb, PrismaClient>,
  'client' | 'uow'
> & {
  provider: PaymentProvider;
  calls: ProviderCalls;
  progress: Progress;
  timing: Timing;
};
