import { formatMoney, type PaymentState } from '@warren/contracts';

export interface Text {
  title: string;
  body: string;
}

export type PaymentKind = 'payment-sent' | 'payment-received' | 'payment-failed' | 'payment-action-required';

const paymentTexts: Readonly<Record<PaymentKind, (name: string, money: string) => Text>> = {
  'payment-sent': (name, money) => ({ title: 'Payment sent', body: `You paid ${money} to ${name}.` }),
  'payment-received': (name, money) => ({
    title: 'Payment received',
    body: `You received ${money} from ${name}.`,
  }),
  'payment-failed': (name, money) => ({
    title: 'Payment failed',
    body: `Your payment of ${money} to ${name} failed. No money was moved.`,
  }),
  'payment-action-required': (name, money) => ({
    title: 'Confirm your payment',
    body: `Your payment of ${money} to ${name} waits for your confirmation.`,
  }),
};

/**
 * The text of a payment's notification, the amount written as its reader writes money. `otherName` is null for a
 * person who has deleted their account.
 */
export function paymentText(
  kind: PaymentKind,
  payment: Pick<PaymentState, 'amount' | 'currency'>,
  readerLocale: string,
  otherName: string | null,
): Text {
  const money = formatMoney(payment.amount, payment.currency, readerLocale);
  return paymentTexts[kind](otherName ?? 'a deleted account', money);
}

export function welcomeText(name: string): Text {
  return { title: 'Welcome to Warren', body: `Hello ${name}, your account is ready.` };
}
