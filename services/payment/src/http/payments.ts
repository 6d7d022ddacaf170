import { AppError } from '@warren/contracts';
import { Payment, paymentContract } from '@warren/payment-contract';
import { idempotencyKey, perMinute, problems, routes } from '@warren/service-kit';
import type { PaymentContext } from '../context.js';
import { viewFor } from '../domain/views.js';
import type { ActRequest } from '../operations/act.js';
import type { PayRequest } from '../operations/pay.js';
import { findPayment, listPayments } from '../queries/payments.js';
import { cutPage, pageOf } from './pages.js';
import { ById, CreatePayment, IdempotencyHeaders, ListQuery, PaymentList } from './schemas.js';

type Dependencies = Pick<PaymentContext, 'client' | 'uow'> & {
  pay(request: PayRequest): Promise<Payment>;
  act(request: ActRequest): Promise<Payment>;
  /** For one person. Payments, confirmations and cancelations are counted separately. */
  mostPerMinute: number;
};

export function paymentRoutes({ client, uow, pay, act, mostPerMinute }: Dependencies) {
  return routes((http) => {
    http.post(
      '/payments',
      {
        config: { rateLimit: perMinute(mostPerMinute) },
        schema: {
          summary: 'Pays; a decline is a payment that `failed`, not an error',
          headers: IdempotencyHeaders,
          body: CreatePayment,
          response: {
            201: Payment,
            ...problems(
              paymentContract,
              'idempotency-key-required',
              'unknown-recipient',
              'request-in-progress',
              'idempotency-key-reused',
              'recipient-gone',
              'self-payment',
              'unknown-payment-method',
            ),
          },
        },
      },
      async (request, reply) => {
        const payment = await pay({
          payerId: request.principal.userId,
          idempotencyKey: idempotencyKey(request),
          request: request.body,
          cause: request.cause,
        });
        return reply.code(201).send(payment);
      },
    );

    http.get(
      '/payments',
      {
        schema: {
          summary: 'Payments made, and those received, newest first',
          querystring: ListQuery,
          response: { 200: PaymentList },
        },
      },
      async (request) => {
        const readerId = request.principal.userId;
        const page = pageOf(request.query);
        const { value: found, asOf } = await uow.readAsOf(readerId, (db) => listPayments(db, readerId, page));
        const visible = found.flatMap((payment) => viewFor(payment, readerId) ?? []);
        return { ...cutPage(visible, request.query), asOf };
      },
    );

    http.get(
      '/payments/:id',
      {
        schema: {
          summary: 'One payment',
          params: ById,
          response: { 200: Payment, ...problems(paymentContract, 'not-found') },
        },
      },
      async (request) => {
        const payment = await findPayment(client, request.params.id);
        const view = payment && viewFor(payment, request.principal.userId);
        if (view === undefined) throw new AppError('not-found');
        return view;
      },
    );

    for (const { kind, summary, more } of actions) {
      http.post(
        `/payments/:id/${kind}`,
        {
          config: { rateLimit: perMinute(mostPerMinute) },
          schema: {
            summary,
            params: ById,
            response: { 200: Payment, ...problems(paymentContract, 'not-found', 'wrong-state', ...more) },
          },
        },
        async ({ params, principal, cause }) =>
          act({ kind, paymentId: params.id, payerId: principal.userId, cause }),
      );
    }
  });
}

const actions = [
  {
    kind: 'confirm',
    summary: 'Goes on with a payment that requires action, for its payer; may end as `failed`',
    more: ['request-in-progress', 'recipient-gone'],
  },
  {
    kind: 'cancel',
    summary: 'Cancels a payment that requires action, for its payer',
    more: ['request-in-progress'],
  },
] as const;
