import { PaymentState } from '@warren/payment-contract';
import { routes, type ServiceClient, type ServiceDefinition } from '@warren/service-kit';
import type { RawClient, UnitOfWork } from '@warren/unit-of-work';
import { type TObject, Type } from 'typebox';
import { v7 as uuidv7 } from 'uuid';
import { NewPayment, paymentContract } from './contract.js';
import type { Store } from './store.js';

/** The first half of the bare pipeline on the kit: one route that writes one row and one event. */
export function paymentService<Db extends RawClient, Client extends ServiceClient<Db>>(
  store: Store<Db, Client>,
): ServiceDefinition<TObject, Db, Client, typeof paymentContract> {
  return {
    port: 0,
    contract: paymentContract,
    config: Type.Object({}),
    database: { client: store.client, prisma: new URL('../../prisma/', import.meta.url) },
    doors: ({ uow }) => ({ http: [payments(uow, store)] }),
  };
}

function payments<Db extends RawClient, Client extends ServiceClient<Db>>(
  uow: UnitOfWork<Db, typeof paymentContract>,
  store: Store<Db, Client>,
) {
  return routes((http) => {
    const schema = { body: NewPayment, response: { 201: PaymentState } };
    http.post('/payments', { schema }, async (request, reply) => {
      const payment = newPayment(request.principal.userId, request.body);
      await uow.run(
        async (tx) => {
          await store.insertPayment(tx, payment);
          tx.publish({
            type: 'payment.succeeded',
            subject: payment.id,
            version: payment.version,
            data: payment,
          });
        },
        { cause: request.cause },
      );
      return reply.code(201).send(payment);
    });
  });
}

function newPayment(
  payerId: string,
  { recipientId, amount, currency, description }: NewPayment,
): PaymentState {
  const now = new Date().toISOString();
  return {
    id: uuidv7(),
    payerId,
    recipientId,
    amount,
    currency,
    amountRefunded: 0,
    status: 'succeeded',
    description: description ?? null,
    version: 1,
    createdAt: now,
    updatedAt: now,
  };
}
