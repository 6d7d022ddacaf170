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

const paymentNews = {
  'payment.succeeded': [
    { kind: paymentSent, reader: 'payer' },
    { kind: paymentReceived, reader: 'recipient' },
  ],
  'payment.failed': [{ kind: paymentFailed, reader: 'payer' }],
  'payment.requires-action': [{ kind: paymentActionRequired, reader: 'payer' }],
  'payment.refunded': [{ kind: paymentRefunded, reader: 'payer' }],
  'payment.refund-failed': [{ kind: paymentRefundFailed, reader: 'payer' }],
} as const satisfies Readonly<Record<string, readonly PaymentNews[]>>;

export type PaymentEventType = keyof typeof paymentNews;

/** Event types of which people are told. */
export const paymentEventTypes = Object.keys(paymentNews) as PaymentEventType[];

export function paymentNotices(
  event: { id: string; type: PaymentEventType },
  payment: PaymentState,
): Notice[] {
  const { id: paymentId, payerId, recipientId, amount, amountRefunded, currency } = payment;
  const news: readonly PaymentNews[] = paymentNews[event.type];
  return news.map(({ kind, reader }) => {
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
