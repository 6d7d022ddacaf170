import { closed } from '@warren/contracts';
import { Type } from 'typebox';
import { defineNotice } from './kind.js';
import { PersonValue } from './values.js';

export const welcome = defineNotice({
  kind: 'welcome',
  values: Type.Object({ userId: PersonValue }, closed),
  texts: {
    en: ({ userId: name }) => ({
      title: 'Welcome to Warren',
      body: `Hello ${name}, your account is ready.`,
    }),
    de: ({ userId: name }) => ({
      title: 'Willkommen bei Warren',
      body: `Hallo ${name}, dein Konto ist bereit.`,
    }),
  },
  reach: 'inbox',
  // Nobody has verified their address yet when they are welcomed, and until then they are mailed nothing.
  channels: { email: false, push: false },
  locked: false,
  path: () => '/',
});
