import { closed } from '@warren/contracts';
import { Type } from 'typebox';
import { defineNotice } from './kind.js';
import { TimeValue } from './values.js';

/** What happened to an account. Open for readers: what isn't known here is told in general words. */
export const securityEvents = ['password-changed', 'password-reset', 'token-reused', 'new-sign-in'] as const;

const english: Readonly<Record<string, string>> = {
  'password-changed': 'Your password was changed',
  'password-reset': 'Your password was reset',
  'token-reused': 'A stolen session may have been used, so we ended it',
  'new-sign-in': 'Somebody signed in to your account',
};

const german: Readonly<Record<string, string>> = {
  'password-changed': 'Dein Passwort wurde geändert',
  'password-reset': 'Dein Passwort wurde zurückgesetzt',
  'token-reused': 'Eine gestohlene Sitzung wurde womöglich benutzt, daher haben wir sie beendet',
  'new-sign-in': 'Jemand hat sich bei deinem Konto angemeldet',
};

export const securityAlert = defineNotice({
  kind: 'security-alert',
  values: Type.Object({ what: Type.Enum([...securityEvents]), at: TimeValue }, closed),
  texts: {
    en: ({ what, at }) => ({
      title: 'Security alert',
      body: `${english[what] ?? 'The security of your account changed'}: ${at}. If it wasn’t you, set a new password.`,
      email: { action: 'Look at your sessions' },
    }),
    de: ({ what, at }) => ({
      title: 'Sicherheitshinweis',
      body: `${german[what] ?? 'Die Sicherheit deines Kontos hat sich geändert'}: ${at}. Warst du das nicht, setze ein neues Passwort.`,
      email: { action: 'Sitzungen ansehen' },
    }),
  },
  reach: 'inbox',
  channels: { email: true, push: true },
  locked: true,
  path: () => '/sessions',
});
