import { closed } from '@warren/contracts';
import { Type } from 'typebox';
import { defineNotice } from './kind.js';
import { paymentPath, paymentValues } from './payment-values.js';
import { moneyValue } from './values.js';

export const paymentRefunded = defineNotice({
  kind: 'payment-refunded',
  /** `amountRefunded`: of all refunds of this payment so far. */
  values: Type.Object({ ...paymentValues, amountRefunded: moneyValue('currency') }, closed),
  texts: {
    en: ({ amount, amountRefunded, otherUserId: name }) => ({
      title: 'Payment refunded',
      body: `Of your payment of ${amount} to ${name}, ${amountRefunded} came back to you.`,
      email: { action: 'See the payment' },
      push: { body: `${amountRefunded} back from ${name}` },
    }),
    de: ({ amount, amountRefunded, otherUserId: name }) => ({
      title: 'Zahlung erstattet',
      body: `Von deiner Zahlung von ${amount} an ${name} wurden dir ${amountRefunded} erstattet.`,
      email: { action: 'Zahlung ansehen' },
      push: { body: `${amountRefunded} zurück von ${name}` },
    }),
  },
  reach: 'inbox',
  channels: { email: true, push: true },
  locked: false,
  path: paymentPath,
});
