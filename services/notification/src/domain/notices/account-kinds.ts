import { securityAlert as requestable } from '@warren/notification-contract';
import { ownKind } from './kind.js';

export const welcome = ownKind({
  kind: 'welcome',
  values: { userId: 'person' },
  texts: {
    en: { title: 'Welcome to Warren', body: 'Hello {userId}, your account is ready.' },
    de: { title: 'Willkommen bei Warren', body: 'Hallo {userId}, dein Konto ist bereit.' },
  },
  reach: 'inbox',
  // A person gets no mail before they have verified their address, and the welcome comes earlier.
  channels: { email: false, push: false },
  locked: false,
  path: '/',
});

export const securityAlert = ownKind({
  ...requestable,
  texts: {
    en: {
      title: 'Security alert',
      body:
        '{what, select, password_changed {Your password was changed} password_reset {Your password was reset} ' +
        'token_reused {A stolen session may have been used, so we ended it} ' +
        'new_sign_in {Somebody signed in to your account} other {The security of your account changed}}: {at}. ' +
        'If it wasn’t you, set a new password.',
      action: 'Look at your sessions',
    },
    de: {
      title: 'Sicherheitshinweis',
      body:
        '{what, select, password_changed {Dein Passwort wurde geändert} ' +
        'password_reset {Dein Passwort wurde zurückgesetzt} ' +
        'token_reused {Eine gestohlene Sitzung wurde womöglich benutzt, daher haben wir sie beendet} ' +
        'new_sign_in {Jemand hat sich bei deinem Konto angemeldet} ' +
        'other {Die Sicherheit deines Kontos hat sich geändert}}: {at}. ' +
        'Warst du das nicht, setze ein neues Passwort.',
      action: 'Sitzungen ansehen',
    },
  },
  reach: 'inbox',
  channels: { email: true, push: true },
  locked: true,
  path: '/sessions',
});

/** A token that only the mailbox may see. It is behind the `#` of a link, so it reaches no server's log. */
const mailedToken = {
  values: { token: 'text', expiresAt: 'time' },
  reach: 'mail-only',
  channels: { email: true, push: false },
  locked: true,
} as const;

export const passwordReset = ownKind({
  ...mailedToken,
  kind: 'password-reset',
  texts: {
    en: {
      title: 'Set a new password',
      body:
        'Somebody asked for a new password for your account. The link is good once, until {expiresAt}. ' +
        'If it wasn’t you, ignore this mail: your password stays as it is.',
      action: 'Set a new password',
    },
    de: {
      title: 'Neues Passwort setzen',
      body:
        'Jemand hat ein neues Passwort für dein Konto angefordert. Der Link gilt einmal, bis {expiresAt}. ' +
        'Warst du das nicht, ignoriere diese Mail: Dein Passwort bleibt, wie es ist.',
      action: 'Neues Passwort setzen',
    },
  },
  path: '/reset-password#token={token}',
});

export const emailVerification = ownKind({
  ...mailedToken,
  kind: 'email-verification',
  texts: {
    en: {
      title: 'Confirm your email address',
      body:
        'Somebody registered at Warren with this address. ' +
        'Please confirm that it is yours: the link is good once, until {expiresAt}. ' +
        'If it wasn’t you, do nothing, or take the account over by asking for a new password.',
      action: 'Confirm the address',
    },
    de: {
      title: 'Bestätige deine E-Mail-Adresse',
      body:
        'Jemand hat sich mit dieser Adresse bei Warren registriert. ' +
        'Bitte bestätige, dass sie dir gehört: Der Link gilt einmal, bis {expiresAt}. ' +
        'Warst du das nicht, tu nichts, oder übernimm das Konto, indem du ein neues Passwort anforderst.',
      action: 'Adresse bestätigen',
    },
  },
  path: '/verify-email#token={token}',
});

/** Replaces all mails beyond those that a person may get within an hour. The inbox has their notifications. */
export const moreNotifications = ownKind({
  kind: 'more-notifications',
  values: {},
  texts: {
    en: {
      title: 'More is in your inbox',
      body: 'More happened within an hour than we send single mails about. All of it is in your inbox.',
      action: 'Open the inbox',
    },
    de: {
      title: 'Mehr steht in deinem Posteingang',
      body: 'Innerhalb einer Stunde ist mehr passiert, als wir einzeln mailen. Alles davon steht in deinem Posteingang.',
      action: 'Posteingang öffnen',
    },
  },
  reach: 'mail-only',
  channels: { email: true, push: false },
  locked: true,
  path: '/notifications',
});
