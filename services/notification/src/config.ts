import { secret } from '@warren/service-kit';
import { type Static, Type } from 'typebox';

export const config = Type.Object({
  WEB_URL: Type.String({
    pattern: '^https?://[^\\s]+$',
    default: 'http://localhost:4000',
    description: 'The web app: base of the links in mails and pushes.',
  }),
  SMTP_URL: Type.Optional(
    Type.String({
      ...secret,
      pattern: '^smtps?://',
      defaultText: 'none',
      description:
        'The mail server, `smtps://user:password@host:465` or `smtp://…:587?requireTLS=true`. Without it, mails are written to `MAIL_DIR`.',
    }),
  ),
  MAIL_FROM: Type.String({
    pattern: '^[^\\r\\n<>]*<?[^\\s<>@]+@[^\\s<>@]+>?$',
    default: 'Warren <warren@localhost>',
    description: 'Sender of mails.',
  }),
  MAIL_DIR: Type.String({
    minLength: 1,
    default: '.warren/mail',
    description: 'Folder of mails where there is no mail server; the newest 1,000 stay.',
  }),
  VAPID_PUBLIC_KEY: Type.Optional(
    Type.String({
      pattern: '^B[A-Za-z0-9_-]{86}$',
      defaultText: 'made once, kept in the database',
      description: 'Key by which push services know this application; with `VAPID_PRIVATE_KEY` only.',
    }),
  ),
  VAPID_PRIVATE_KEY: Type.Optional(
    Type.String({
      ...secret,
      pattern: '^[A-Za-z0-9_-]{43}$',
      defaultText: 'made once, kept in the database',
      description: 'Its private half.',
    }),
  ),
  VAPID_SUBJECT: Type.Optional(
    Type.String({
      pattern: '^(mailto:|https://).+$',
      defaultText: 'the address of MAIL_FROM',
      description: 'Where a push service reaches whoever runs this: `mailto:` or `https:`.',
    }),
  ),
  PUSH_ALLOW_LOCAL: Type.Enum(['on', 'off'], {
    default: 'off',
    description: '`on` lets pushes go to private addresses and over plain HTTP: for tests only.',
  }),
});

export type Config = Static<typeof config>;
