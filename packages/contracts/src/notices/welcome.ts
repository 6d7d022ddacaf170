import { Type } from 'typebox';
import { closed } from '../services/shapes.js';
import { defineNotice } from './kind.js';
import { PersonValue } from './values.js';

export const welcome = defineNotice({
  kind: 'welcome',
  values: Type.Object({ userId: PersonValue }, closed),
  texts: {
    en: ({ userId: name }) => ({
      title: 'Welcome to Warren',
      body: `Hello ${name}, your account is ready.`,
      email: { action: 'Open Warren' },
    }),
    de: ({ userId: name }) => ({
      title: 'Willkommen bei Warren',
      body: `Hallo ${name}, dein Konto ist bereit.`,
      email: { action: 'Warren öffnen' },
    }),
  },
  reach: 'inbox',
  channels: { email: true, push: false },
  locked: false,
  path: () => '/',
});
