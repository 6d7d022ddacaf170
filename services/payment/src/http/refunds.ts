import { AppError } from '@warren/contracts';
import { paymentContract, Refund } from '@warren/payment-contract';
import { idempotencyKey, perMinute, problems, routes } from '@warren/service-kit';
import type { PaymentContext } from '../context.js';
import { checkMayHandleRefunds } from '../domain/refund.js';
import type { RefundPaymentRequest } from '../operations/refund.js';
import { findPayment } from '../queries/payments.js';
import { listRefunds } from '../queries/refunds.js';
import { cutPage, pageOf } from './pages.js';
import { ById, CreateRefund, IdempotencyHeaders, ListQuery, RefundList } from './schemas.js';

type Dependencies = Pick<PaymentContext, 'uow'> & {
  refund(request: RefundPaymentRequest): Promise<Refund>;
  /** Refunds that one person may request. */
  mostPerMinute: number;
};

export function refundRoutes({ uow, refund, mostPerMinute }: Dependencies) {
  return routes((http) => {
    http.post(
      '/payments/:id/refunds',
      {
        config: { rateLimit: perMinute(mostPerMinute) },
        schema: {
          summary:
            'Gives a payment back, whole or in part, for its recipient or an admin; may end as `failed`',
          params: ById,
          headers: IdempotencyHeaders,
          body: CreateRefund,
          response: {
            201: Refund,
            ...problems(
              paymentContract,
              'idempotency-key-required',
              'forbidden',
              'not-found',
              'request-in-progress',
              'wrong-state',
              'idempotency-key-reused',
              'refund-exceeds-payment',
            ),
          },
        },
      },
      async (request, reply) => {
        const made = await refund({
          asker: request.principal,
          paymentId: request.params.id,
          amount: request.body?.amount,
          idempotencyKey: idempotencyKey(request),
          cause: request.cause,
        });
        return reply.code(201).send(made);
      },
    );

    http.get(
      '/payments/:id/refunds',
      {
        schema: {
          summary: 'The refunds of a payment, newest first, for its recipient or an admin',
          params: ById,
          querystring: ListQuery,
          response: { 200: RefundList, ...problems(paymentContract, 'forbidden', 'not-found') },
        },
      },
      async ({ principal, params: { id }, query }) => {
        const { value: found, asOf } = await uow.readAsOf(principal.userId, async (db) => {
          const payment = await findPayment(db, id);
          if (payment === undefined) throw new AppError('not-found');
          checkMayHandleRefunds(payment, principal);
          return listRefunds(db, id, pageOf(query));
        });
        return { ...cutPage(found, query), asOf };
      },
    );
  });
}
