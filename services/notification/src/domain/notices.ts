import {
  type NoticeKind,
  paymentActionRequired,
  paymentFailed,
  paymentReceived,
  paymentRefunded,
  paymentRefundFailed,
  paymentSent,
  welcome,
} from '@warren/notification-contract';
import type { PaymentState } from '@warren/payment-contract';

/** What makes the texts of a notice, by name: as they came, not as a reader sees them. */
export type NoticeValues = Readonly<Record<string, string | number | boolean>>;

/** Something that a person is to be told, unique by (`eventId`, `userId`, `kind`). */
export interface Notice {
  userId: string;
  eventId: string;
  kind: NoticeKind;
  /** Fit the kind's schema. */
  values: NoticeValues;
}

/** Who is told what of a payment's event. */
interface PaymentNews {
  kind: NoticeKind;
  reader: 'payer' | 'recipient';
}

const paymentNews: Readonly<Record<string, readonly PaymentNews[]>> = {
  'payment.succeeded': [
    { kind: paymentSent, reader: 'payer' },
    { kind: paymentReceived, reader: 'recipient' },
  ],
  'payment.failed': [{ kind: paymentFailed, reader: 'payer' }],
  'payment.requires-action': [{ kind: paymentActionRequired, reader: 'payer' }],
  'payment.refunded': [{ kind: paymentRefunded, reader: 'payer' }],
  'payment.refund-failed': [{ kind: paymentRefundFailed, reader: 'payer' }],
};

/** Event types of which people are told. */
export const paymentEventTypes: readonly string[] = Object.keys(paymentNews);

export function paymentNotices(event: { id: string; type: string }, payment: PaymentState): Notice[] {
  const { id: paymentId, payerId, recipientId, amount, amountRefunded, currency } = payment;
  return (paymentNews[event.type] ?? []).map(({ kind, reader }) => {
    const [userId, otherUserId] = reader === 'payer' ? [payerId, recipientId] : [recipientId, payerId];
    const values = { paymentId, amount, amountRefunded, currency, otherUserId };
    return { userId, eventId: event.id, kind, values: onlyNamed(kind, values) };
  });
}

export function welcomeNotice(event: { id: string }, userId: string): Notice {
  return { userId, eventId: event.id, kind: welcome, values: { userId } };
}

/** What the kind's schema names; a newer producer may send more. */
export function onlyNamed({ values: schema }: NoticeKind, values: NoticeValues): NoticeValues {
  return Object.fromEntries(
    Object.entries(values).filter(([name]) => Object.hasOwn(schema.properties, name)),
  );
}
