import { closed } from '@warren/contracts';
import { Type } from 'typebox';
import { defineNotice } from './kind.js';
import { paymentPath, paymentValues } from './payment-values.js';

export const paymentReceived = defineNotice({
  kind: 'payment-received',
  values: Type.Object(paymentValues, closed),
  texts: {
    en: ({ amount, otherUserId: name }) => ({
      title: 'Payment received',
      body: `You received ${amount} from ${name}.`,
      email: { action: 'See the payment' },
      push: { body: `${amount} from ${name}` },
    }),
    de: ({ amount, otherUserId: name }) => ({
      title: 'Zahlung erhalten',
      body: `Du hast ${amount} von ${name} erhalten.`,
      email: { action: 'Zahlung ansehen' },
      push: { body: `${amount} von ${name}` },
    }),
  },
  reach: 'inbox',
  channels: { email: true, push: true },
  locked: false,
  path: paymentPath,
});
