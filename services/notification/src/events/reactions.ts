import { notificationContract } from '@warren/notification-contract';
import { paymentContract } from '@warren/payment-contract';
import { react } from '@warren/service-kit';
import type { EventHandler } from '@warren/unit-of-work';
import { userContract } from '@warren/user-contract';
import type { NotificationTx } from '../context.js';
import { emailVerification, passwordReset } from '../domain/notices/account-kinds.js';
import { paymentEventTypes } from '../domain/notices/notice.js';
import { deferring } from '../operations/deferred-events.js';
import { endSession } from '../operations/end-session.js';
import { mailToken } from '../operations/mail-token.js';
import { notifyOfPayment, welcome } from '../operations/notify-of-events.js';
import { peopleOf, writeRequestedNotice } from '../operations/requested-notice.js';

const payments = paymentEventTypes.map((type) =>
  react(paymentContract, type, {
    // Both copies are locked, whoever is notified.
    users: ({ data }) => [data.payerId, data.recipientId],
    handle: notifyOfPayment,
  }),
);

/** Notices that other services request. */
const requests = react(notificationContract, 'notification.requested', {
  users: ({ data }) => peopleOf(data),
  handle: writeRequestedNotice,
});

/** The handlers whose notices name other people, whose copies may be missing. */
export const deferrable: readonly EventHandler<NotificationTx>[] = [...payments, requests];

/** The effects of what happens in other services: notifications, mails and ended subscriptions. */
export const reactions: EventHandler<NotificationTx>[] = [
  react(userContract, 'user.registered', { users: ({ data }) => [data.id], handle: welcome }),
  ...deferrable.map(deferring),
  react(userContract, 'user.password-reset-requested', {
    users: ({ data }) => [data.userId],
    handle: (tx: NotificationTx, event) => mailToken(tx, event, passwordReset),
  }),
  react(userContract, 'user.email-verification-requested', {
    users: ({ data }) => [data.userId],
    handle: (tx: NotificationTx, event) => mailToken(tx, event, emailVerification),
  }),
  react(userContract, 'user.session-revoked', { users: ({ data }) => [data.userId], handle: endSession }),
];
