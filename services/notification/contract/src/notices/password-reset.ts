import { closed } from '@warren/contracts';
import { Type } from 'typebox';
import { defineNotice } from './kind.js';
import { tokenPath, tokenValues } from './mailed-token.js';

export const passwordReset = defineNotice({
  kind: 'password-reset',
  values: Type.Object(tokenValues, closed),
  texts: {
    en: ({ expiresAt }) => ({
      title: 'Set a new password',
      body:
        'Somebody asked for a new password for your account. ' +
        `The link is good once, until ${expiresAt}. ` +
        'If it wasn’t you, ignore this mail: your password stays as it is.',
      email: { action: 'Set a new password' },
    }),
    de: ({ expiresAt }) => ({
      title: 'Neues Passwort setzen',
      body:
        'Jemand hat ein neues Passwort für dein Konto angefordert. ' +
        `Der Link gilt einmal, bis ${expiresAt}. ` +
        'Warst du das nicht, ignoriere diese Mail: Dein Passwort bleibt, wie es ist.',
      email: { action: 'Neues Passwort setzen' },
    }),
  },
  reach: 'mail-only',
  channels: { email: true, push: false },
  locked: true,
  path: tokenPath('/reset-password'),
});
