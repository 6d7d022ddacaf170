import type { PaymentState } from '@warren/payment-contract';
import { welcome } from './account-kinds.js';
import type { NoticeKind } from './kind.js';
import {
  paymentActionRequired,
  paymentFailed,
  paymentReceived,
  paymentRefunded,
  paymentRefundFailed,
  paymentSent,
} from './payment-kinds.js';
import { type NoticeValues, onlyNamed } from './values.js';

/** One thing to tell one person, unique by (`eventId`, `userId`, `kind`). */
export interface Notice {
  userId: string;
  eventId: string;
  kind: NoticeKind;
  /** They fit the kind. */
  values: NoticeValues;
}

/** A notice that an event of a payment leads to, and who reads it. */
interface PaymentNotice {
  kind: NoticeKind;
  reader: 'payer' | 'recipient';
}

const noticesByEvent = {
  'payment.succeeded': [
    { kind: paymentSent, reader: 'payer' },
    { kind: paymentReceived, reader: 'recipient' },
  ],
  'payment.failed': [{ kind: paymentFailed, reader: 'payer' }],
  'payment.requires-action': [{ kind: paymentActionRequired, reader: 'payer' }],
  'payment.refunded': [{ kind: paymentRefunded, reader: 'payer' }],
  'payment.refund-failed': [{ kind: paymentRefundFailed, reader: 'payer' }],
} as const satisfies Readonly<Record<string, readonly PaymentNotice[]>>;

export type PaymentEventType = keyof typeof noticesByEvent;

/** The types of payment events that lead to notices. */
export const paymentEventTypes = Object.keys(noticesByEvent) as PaymentEventType[];

export function paymentNotices(
  event: { id: string; type: PaymentEventType },
  payment: PaymentState,
): Notice[] {
  const { id: paymentId, payerId, recipientId, amount, amountRefunded, currency } = payment;
  const notices: readonly PaymentNotice[] = noticesByEvent[event.type];
  return notices.map(({ kind, reader }) => {
    const [userId, otherUserId] = reader === 'payer' ? [payerId, recipientId] : [recipientId, payerId];
    const values = { paymentId, amount, amountRefunded, currency, otherUserId };
    return { userId, eventId: event.id, kind, values: onlyNamed(kind, values) };
  });
}

export function welcomeNotice(event: { id: string }, userId: string): Notice {
  return { userId, eventId: event.id, kind: welcome, values: { userId } };
}
