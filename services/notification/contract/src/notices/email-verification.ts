import { closed } from '@warren/contracts';
import { Type } from 'typebox';
import { defineNotice } from './kind.js';
import { tokenPath, tokenValues } from './mailed-token.js';

export const emailVerification = defineNotice({
  kind: 'email-verification',
  values: Type.Object(tokenValues, closed),
  texts: {
    en: ({ expiresAt }) => ({
      title: 'Confirm your email address',
      body:
        'Somebody registered at Warren with this address. ' +
        `Please confirm that it is yours: the link is good once, until ${expiresAt}. ` +
        'If it wasn’t you, do nothing, or take the account over by asking for a new password.',
      email: { action: 'Confirm the address' },
    }),
    de: ({ expiresAt }) => ({
      title: 'Bestätige deine E-Mail-Adresse',
      body:
        'Jemand hat sich mit dieser Adresse bei Warren registriert. ' +
        `Bitte bestätige, dass sie dir gehört: Der Link gilt einmal, bis ${expiresAt}. ` +
        'Warst du das nicht, tu nichts, oder übernimm das Konto, indem du ein neues Passwort anforderst.',
      email: { action: 'Adresse bestätigen' },
    }),
  },
  reach: 'mail-only',
  channels: { email: true, push: false },
  locked: true,
  path: tokenPath('/verify-email'),
});
