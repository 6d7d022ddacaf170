import { closed } from '@warren/contracts';
import { Type } from 'typebox';
import { defineNotice } from './kind.js';
import { paymentPath, paymentValues } from './payment-values.js';

export const paymentFailed = defineNotice({
  kind: 'payment-failed',
  values: Type.Object(paymentValues, closed),
  texts: {
    en: ({ amount, otherUserId: name }) => ({
      title: 'Payment failed',
      body: `Your payment of ${amount} to ${name} failed. No money was moved.`,
      email: { action: 'See the payment' },
      push: { body: `${amount} to ${name} was not paid.` },
    }),
    de: ({ amount, otherUserId: name }) => ({
      title: 'Zahlung fehlgeschlagen',
      body: `Deine Zahlung von ${amount} an ${name} ist fehlgeschlagen. Es wurde kein Geld bewegt.`,
      email: { action: 'Zahlung ansehen' },
      push: { body: `${amount} an ${name} wurden nicht gezahlt.` },
    }),
  },
  reach: 'inbox',
  channels: { email: true, push: true },
  locked: false,
  path: paymentPath,
});
