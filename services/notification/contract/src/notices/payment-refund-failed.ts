import { closed } from '@warren/contracts';
import { Type } from 'typebox';
import { defineNotice } from './kind.js';
import { paymentPath, paymentValues } from './payment-values.js';
import { moneyValue } from './values.js';

/** Comes after a `payment-refunded` that turned out wrong: the payer's bank did not take the money. */
export const paymentRefundFailed = defineNotice({
  kind: 'payment-refund-failed',
  /** `amountRefunded`: of all refunds of this payment that still stand. */
  values: Type.Object({ ...paymentValues, amountRefunded: moneyValue('currency') }, closed),
  texts: {
    en: ({ amount, amountRefunded, otherUserId: name }) => ({
      title: 'Refund failed',
      body: `A refund of your payment of ${amount} to ${name} failed after all. Refunded to you remains ${amountRefunded}.`,
      email: { action: 'See the payment' },
      push: { body: `A refund from ${name} failed.` },
    }),
    de: ({ amount, amountRefunded, otherUserId: name }) => ({
      title: 'Erstattung fehlgeschlagen',
      body: `Eine Erstattung deiner Zahlung von ${amount} an ${name} ist doch fehlgeschlagen. Erstattet bleiben ${amountRefunded}.`,
      email: { action: 'Zahlung ansehen' },
      push: { body: `Eine Erstattung von ${name} ist fehlgeschlagen.` },
    }),
  },
  reach: 'inbox',
  channels: { email: true, push: true },
  locked: false,
  path: paymentPath,
});
