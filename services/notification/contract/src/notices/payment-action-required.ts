import { closed } from '@warren/contracts';
import { Type } from 'typebox';
import { defineNotice } from './kind.js';
import { paymentPath, paymentValues } from './payment-values.js';

export const paymentActionRequired = defineNotice({
  kind: 'payment-action-required',
  values: Type.Object(paymentValues, closed),
  texts: {
    en: ({ amount, otherUserId: name }) => ({
      title: 'Confirm your payment',
      body: `Your payment of ${amount} to ${name} waits for your confirmation.`,
      email: { action: 'Confirm it' },
      push: { body: `${amount} to ${name} waits for you.` },
    }),
    de: ({ amount, otherUserId: name }) => ({
      title: 'Bestätige deine Zahlung',
      body: `Deine Zahlung von ${amount} an ${name} wartet auf deine Bestätigung.`,
      email: { action: 'Jetzt bestätigen' },
      push: { body: `${amount} an ${name} warten auf dich.` },
    }),
  },
  reach: 'inbox',
  channels: { email: true, push: true },
  locked: false,
  path: paymentPath,
});
