import type { paymentContract } from '@warren/payment-contract';
import type { Doors } from '@warren/service-kit';
import { actionCommands } from './commands/actions.js';
import type { PaymentContext } from './context.js';
import { balanceRoutes } from './http/balance.js';
import { paymentRoutes } from './http/payments.js';
import { refundRoutes } from './http/refunds.js';
import { webhookRoutes } from './http/webhooks.js';
import { createAct } from './operations/act.js';
import { eraser } from './operations/eraser.js';
import { createPay } from './operations/pay.js';
import { createProgress } from './operations/progress.js';
import { providerCalls } from './operations/provider-calls.js';
import { createRefund } from './operations/refund.js';
import { operationSweeper } from './operations/sweeper.js';
import { defaultTiming } from './operations/timing.js';
import type { PaymentProvider } from './providers/provider.js';
import type { PaymentDb } from './store/database.js';
import { paymentSnapshots } from './store/snapshots.js';

/** What is open to the outside, with the provider of the caller's choice behind it. */
export function paymentDoors(
  context: PaymentContext,
  provider: PaymentProvider,
  timing = defaultTiming,
): Doors<PaymentDb, typeof paymentContract> {
  const calls = providerCalls({ ...context, provider, timing });
  const progress = createProgress({ ...context, provider, calls, timing });
  const operations = { ...context, provider, calls, progress, timing };
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
      operationSweeper({ ...context, provider, calls, timing }),
      eraser({ ...context, everyMs: timing.sweepEveryMs }),
    ],
  };
}
