import type { Doors, ServiceContext } from '@warren/service-kit';
import { userProjections } from './events/users.js';
import { paymentRoutes } from './http/payments.js';
import { createPay } from './operations/pay.js';
import { providerCalls } from './operations/provider-calls.js';
import { operationSweeper } from './operations/sweeper.js';
import { defaultTiming } from './operations/timing.js';
import type { PaymentProvider } from './providers/provider.js';
import type { PaymentDb, PrismaClient } from './store/database.js';
import { paymentSnapshots } from './store/snapshots.js';

/** What is open to the outside, with the provider of the caller's choice behind it. */
export function paymentDoors(
  context: ServiceContext<unknown, PaymentDb, PrismaClient>,
  provider: PaymentProvider,
  timing = defaultTiming,
): Doors<PaymentDb> {
  const calls = providerCalls({ ...context, provider, timing });
  const pay = createPay({ ...context, provider, calls, timing });
  return {
    http: [paymentRoutes({ ...context, pay })],
    events: userProjections,
    snapshots: [paymentSnapshots],
    background: [operationSweeper({ ...context, calls, timing })],
  };
}
