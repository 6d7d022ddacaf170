import type { NotificationContext } from '../context.js';
import type { VapidKeys } from '../domain/vapid.js';
import { senderOf } from './envelope.js';
import { createMailFolder } from './mail-folder.js';
import type { Mailer } from './mailer.js';
import type { Pusher } from './pusher.js';
import { createSmtpMailer } from './smtp.js';
import { createWebPush } from './web-push.js';

/** What the service sends mails and pushes with. */
export interface Providers {
  mailer: Mailer;
  pusher: Pusher;
}

/** Most messages that an instance sends at the same time. */
export const concurrency = { email: 5, push: 20 } as const;

/**
 * Makes the providers that the configuration names.
 *
 * @throws TypeError if a setting is wrong
 */
export function openProviders(
  { config, log }: Pick<NotificationContext, 'config' | 'log'>,
  keys: VapidKeys,
): Providers {
  const from = senderOf(config.MAIL_FROM);
  const allowLocal = config.PUSH_ALLOW_LOCAL === 'on';
  if (allowLocal) log.warn('pushes may go to private addresses: for tests only');
  const pusher = createWebPush({
    keys,
    subject: config.VAPID_SUBJECT ?? `mailto:${from.address}`,
    allowLocal,
    connections: concurrency.push,
  });
  if (config.SMTP_URL) return { mailer: createSmtpMailer(config.SMTP_URL, from, concurrency.email), pusher };
  log.info({ folder: config.MAIL_DIR }, 'no mail server is configured: mails are written to a folder');
  return { mailer: createMailFolder(config.MAIL_DIR, from), pusher };
}
