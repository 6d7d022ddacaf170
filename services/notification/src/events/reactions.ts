import type { PaymentState } from '@warren/payment-contract';
import type { EventHandler } from '@warren/unit-of-work';
import type { User } from '@warren/user-contract';
import { paymentEventTypes, paymentNotices, welcomeNotice } from '../domain/notices.js';
import type { NotificationDb } from '../store/database.js';
import { holdPeople } from '../store/user-copies.js';
import { deferred } from './defer.js';
import { mailedTokens } from './mailed-tokens.js';
import { notify } from './notify.js';
import { requests } from './requests.js';

const welcome: EventHandler<NotificationDb> = {
  kind: 'react',
  type: 'user.registered',
  users: (event) => [(event.data as User).id],
  async handle(tx, event) {
    const { id } = event.data as User;
    await notify(tx, [welcomeNotice(event, id)], await holdPeople(tx, [id]));
  },
};

const payments = paymentEventTypes.map(
  (type): EventHandler<NotificationDb> => ({
    kind: 'react',
    type,
    /** Both, whoever is told: the copies of both are held. */
    users: ({ data }) => [(data as PaymentState).payerId, (data as PaymentState).recipientId],
    async handle(tx, event) {
      const payment = event.data as PaymentState;
      const people = await holdPeople(tx, [payment.payerId, payment.recipientId]);
      await notify(tx, paymentNotices(event, payment), people);
    },
  }),
);

/** What tells of people by name, and so waits for their copies. */
export const deferrable: readonly EventHandler<NotificationDb>[] = [...payments, requests];

/** Whom this service tells of what happened elsewhere. */
export const reactions: EventHandler<NotificationDb>[] = [
  welcome,
  ...deferrable.map(deferred),
  ...mailedTokens,
];
