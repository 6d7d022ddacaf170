import { Type } from 'typebox';
import { closed } from '../services/shapes.js';
import { defineNotice } from './kind.js';
import { tokenPath, tokenValues } from './mailed-token.js';

export const emailVerification = defineNotice({
  kind: 'email-verification',
  values: Type.Object(tokenValues, closed),
  texts: {
    en: ({ expiresAt }) => ({
      title: 'Confirm your email address',
      body: `Please confirm that this address is yours. The link is good once, until ${expiresAt}.`,
      email: { action: 'Confirm the address' },
    }),
    de: ({ expiresAt }) => ({
      title: 'Bestätige deine E-Mail-Adresse',
      body: `Bitte bestätige, dass diese Adresse dir gehört. Der Link gilt einmal, bis ${expiresAt}.`,
      email: { action: 'Adresse bestätigen' },
    }),
  },
  reach: 'mail-only',
  channels: { email: true, push: false },
  locked: true,
  path: tokenPath('/verify-email'),
});
