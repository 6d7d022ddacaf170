import { secret } from '@warren/service-kit';
import { type Static, Type } from 'typebox';

export const config = Type.Object({
  WEB_URL: Type.String({
    pattern: '^https?://[^\\s]+$',
    default: 'http://localhost:4000',
    description: 'Address of the web app, for links in mails and pushes.',
  }),
  SMTP_URL: Type.Optional(
    Type.String({
      ...secret,
      pattern: '^smtps?://',
      defaultText: 'none',
      description:
        'The mail server: `smtps://user:password@host:465` or `smtp://…:587?requireTLS=true`. If it is not set, mails are written to `MAIL_DIR`.',
    }),
  ),
  MAIL_FROM: Type.String({
    pattern: '^[^\\r\\n<>]*<?[^\\s<>@]+@[^\\s<>@]+>?$',
    default: 'Warren <warren@localhost>',
    description: 'Sender of the mails.',
  }),
  MAIL_DIR: Type.String({
    minLength: 1,
    default: '.warren/mail',
    description: 'Folder for mails if there is no mail server. The newest 1,000 are kept.',
  }),
  VAPID_PUBLIC_KEY: Type.Optional(
    Type.String({
      pattern: '^B[A-Za-z0-9_-]{86}$',
      defaultText: 'generated once and kept in the database',
      description:
        'Key that identifies this application to push services. Set it together with `VAPID_PRIVATE_KEY`.',
    }),
  ),
  VAPID_PRIVATE_KEY: Type.Optional(
    Type.String({
      ...secret,
      pattern: '^[A-Za-z0-9_-]{43}$',
      defaultText: 'generated once and kept in the database',
      description: 'The private key that belongs to `VAPID_PUBLIC_KEY`.',
    }),
  ),
  VAPID_SUBJECT: Type.Optional(
    Type.String({
      pattern: '^(mailto:|https://).+$',
      defaultText: 'the address of MAIL_FROM',
      description: 'Contact of the operator for push services: a `mailto:` or `https:` address.',
    }),
  ),
  PUSH_ALLOW_LOCAL: Type.Enum(['on', 'off'], {
    default: 'off',
    description: '`on` allows pushes to private addresses and over plain HTTP. For tests only.',
  }),
});

export type Config = Static<typeof config>;
