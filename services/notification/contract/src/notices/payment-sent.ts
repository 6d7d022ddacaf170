import { closed } from '@warren/contracts';
import { Type } from 'typebox';
import { defineNotice } from './kind.js';
import { paymentPath, paymentValues } from './payment-values.js';

export const paymentSent = defineNotice({
  kind: 'payment-sent',
  values: Type.Object(paymentValues, closed),
  texts: {
    en: ({ amount, otherUserId: name }) => ({
      title: 'Payment sent',
      body: `You paid ${amount} to ${name}.`,
      email: { action: 'See the payment' },
      push: { body: `${amount} to ${name}` },
    }),
    de: ({ amount, otherUserId: name }) => ({
      title: 'Zahlung gesendet',
      body: `Du hast ${amount} an ${name} gezahlt.`,
      email: { action: 'Zahlung ansehen' },
      push: { body: `${amount} an ${name}` },
    }),
  },
  reach: 'inbox',
  channels: { email: false, push: false },
  locked: false,
  path: paymentPath,
});
