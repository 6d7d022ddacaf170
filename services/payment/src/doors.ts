import type { paymentContract } from '@warren/payment-contract';
import type { Doors } from '@warren/service-kit';
import { actionCommands } from './commands/actions.js';
import type { PaymentContext } from './context.js';
import { balanceRoutes } from './http/balance.js';
import { paymentRoutes } from './http/payments.js';
import { refundRoutes } from './http/refunds.js';
import { webhookRoutes } from './http/webhooks.js';
import { eraser } from './jobs/eraser.js';
import { operationSweeper } from './jobs/sweeper.js';
import { createAct } from './operations/act.js';
import { defaultDurations } from './operations/durations.js';
import { createLeaseOperations } from './operations/lease-operations.js';
import { createPay } from './operations/pay.js';
import { createProgress } from './operations/progress.js';
import { providerCalls } from './operations/provider-calls.js';
import { createRefund } from './operations/refund.js';
import type { PaymentProvider } from './providers/provider.js';
import type { PaymentDb } from './store/database.js';
import { paymentSnapshots } from './store/snapshots.js';

/** The doors and jobs of the service, which call this provider. */
export function paymentDoors(
  context: PaymentContext,
  provider: PaymentProvider,
  durations = defaultDurations,
): Doors<PaymentDb, typeof paymentContract> {
  const calls = providerCalls({ ...context, provider, durations });
  const leaseOperations = createLeaseOperations({ ...context, provider, durations });
  const progress = createProgress({ ...context, calls, leaseOperations, durations });
  const operations = { ...context, provider, calls, progress, durations };
  const act = createAct(operations);
  const { webhook } = provider;
  const { PAYMENTS_PER_MINUTE: mostPerMinute } = context.config;
  return {
    http: [
      paymentRoutes({ ...context, pay: createPay(operations), act, mostPerMinute }),
      refundRoutes({ ...context, refund: createRefund(operations), mostPerMinute }),
      balanceRoutes({ ...context, mostPerMinute }),
      ...(webhook ? [webhookRoutes({ ...context, webhook })] : []),
    ],
    commands: actionCommands(act),
    snapshots: [paymentSnapshots],
    background: [
      operationSweeper({ ...context, calls, leaseOperations, everyMs: durations.sweepEveryMs }),
      eraser({ ...context, everyMs: durations.sweepEveryMs }),
    ],
  };
}
