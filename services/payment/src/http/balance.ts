import { Balance, paymentContract } from '@warren/payment-contract';
import { perMinute, problems, routes } from '@warren/service-kit';
import type { PaymentContext } from '../context.js';
import { balancesOf } from '../queries/balances.js';

type Dependencies = Pick<PaymentContext, 'uow'> & {
  /** Requests of one person. */
  mostPerMinute: number;
};

export function balanceRoutes({ uow, mostPerMinute }: Dependencies) {
  return routes((http) => {
    http.get(
      '/balance',
      {
        config: { rateLimit: perMinute(mostPerMinute) },
        schema: {
          summary: 'The balance of the caller in each currency: payments received, less refunds',
          response: { 200: Balance, ...problems(paymentContract, 'wrong-state') },
        },
      },
      async ({ principal: { userId } }) => {
        const { value: items, asOf } = await uow.readAsOf(userId, (db) => balancesOf(db, userId));
        return { items, asOf };
      },
    );
  });
}
