import type { PaymentState } from '@warren/payment-contract';
import type { ServiceClient, ServiceDefinition } from '@warren/service-kit';
import { type RawClient, react, type Tx } from '@warren/unit-of-work';
import { type TObject, Type } from 'typebox';
import { v7 as uuidv7 } from 'uuid';
import { type Notification, notificationContract, paymentContract } from './contract.js';
import type { Store } from './store.js';

/** The second half of the bare pipeline on the kit: one handler that writes one row and one feed entry. */
export function notificationService<Db extends RawClient, Client extends ServiceClient<Db>>(
  store: Store<Db, Client>,
): ServiceDefinition<TObject, Db, Client, typeof notificationContract> {
  return {
    port: 0,
    contract: notificationContract,
    config: Type.Object({}),
    database: { client: store.client, prisma: new URL('../../prisma/', import.meta.url) },
    events: [notifyRecipient(store)],
    doors: () => ({ http: [] }),
  };
}

function notifyRecipient<Db extends RawClient, Client extends ServiceClient<Db>>(store: Store<Db, Client>) {
  return react(paymentContract, 'payment.succeeded', {
    users: ({ data }) => [data.recipientId],
    async handle(tx: Tx<Db, typeof notificationContract>, { data: payment }) {
      const notification = notificationOf(payment);
      await store.insertNotification(tx, payment.recipientId, notification);
      tx.feed(payment.recipientId, { type: 'notification.created', data: { notification } });
    },
  });
}

function notificationOf({ id, payerId, amount, currency }: PaymentState): Notification {
  return {
    id: uuidv7(),
    kind: 'payment-received',
    title: 'You received money',
    body: `${amount} ${currency} from ${payerId}`,
    data: { paymentId: id },
    version: 1,
    createdAt: new Date().toISOString(),
  };
}
