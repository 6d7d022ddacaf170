import { paymentContract } from '@warren/payment-contract';
import { react } from '@warren/service-kit';
import type { EventHandler } from '@warren/unit-of-work';
import { userContract } from '@warren/user-contract';
import type { NotificationTx } from '../context.js';
import { paymentEventTypes, paymentNotices, welcomeNotice } from '../domain/notices.js';
import { holdPeople } from '../store/user-copies.js';
import { deferred } from './defer.js';
import { mailedTokens } from './mailed-tokens.js';
import { notify } from './notify.js';
import { requests } from './requests.js';

const welcome = react(userContract, 'user.registered', {
  users: ({ data }) => [data.id],
  async handle(tx: NotificationTx, event) {
    const { id } = event.data;
    await notify(tx, [welcomeNotice(event, id)], await holdPeople(tx, [id]));
  },
});

const payments = paymentEventTypes.map((type) =>
  react(paymentContract, type, {
    /** Both, whoever is told: the copies of both are held. */
    users: ({ data }) => [data.payerId, data.recipientId],
    async handle(tx: NotificationTx, event) {
      const payment = event.data;
      const people = await holdPeople(tx, [payment.payerId, payment.recipientId]);
      await notify(tx, paymentNotices(event, payment), people);
    },
  }),
);

/** What tells of people by name, and so waits for their copies. */
export const deferrable: readonly EventHandler<NotificationTx>[] = [...payments, requests];

/** Whom this service tells of what happened elsewhere. */
export const reactions: EventHandler<NotificationTx>[] = [
  welcome,
  ...deferrable.map(deferred),
  ...mailedTokens,
];
