import { closed } from '@warren/contracts';
import { Type } from 'typebox';
import { defineNotice } from './kind.js';

/** Once an hour in place of all mails beyond those that a person gets within one: what they would tell is in the inbox. */
export const moreNotifications = defineNotice({
  kind: 'more-notifications',
  values: Type.Object({}, closed),
  texts: {
    en: () => ({
      title: 'More is in your inbox',
      body: 'More happened within an hour than we send single mails about. All of it is in your inbox.',
      email: { action: 'Open the inbox' },
    }),
    de: () => ({
      title: 'Mehr steht in deinem Posteingang',
      body: 'Innerhalb einer Stunde ist mehr passiert, als wir einzeln mailen. Alles davon steht in deinem Posteingang.',
      email: { action: 'Posteingang öffnen' },
    }),
  },
  reach: 'mail-only',
  channels: { email: true, push: false },
  locked: true,
  path: () => '/notifications',
});
