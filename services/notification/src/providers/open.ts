import webPush from 'web-push';
import type { Config } from '../config.js';
import type { NotificationContext } from '../context.js';
import { keepVapidKeys, type VapidKeys } from '../store/vapid-keys.js';
import { senderOf } from './envelope.js';
import { createMailFolder } from './mail-folder.js';
import type { Mailer } from './mailer.js';
import type { Pusher } from './pusher.js';
import { createSmtpMailer } from './smtp.js';
import { createWebPush } from './web-push.js';

/** Ways out of the service. */
export interface Providers {
  mailer: Mailer;
  pusher: Pusher;
}

/** How many messages an instance has under way on each. */
export const concurrency = { email: 5, push: 20 } as const;

/**
 * As the configuration says.
 *
 * @throws TypeError if it doesn't fit together
 */
export async function openProviders({ config, client, log }: NotificationContext): Promise<Providers> {
  const from = senderOf(config.MAIL_FROM);
  const keys = configuredKeys(config) ?? (await keepVapidKeys(client, webPush.generateVAPIDKeys()));
  const allowLocal = config.PUSH_ALLOW_LOCAL === 'on';
  if (allowLocal) log.warn('pushes may go to private addresses: for tests only');
  const pusher = createWebPush({
    keys,
    subject: config.VAPID_SUBJECT ?? `mailto:${from.address}`,
    allowLocal,
    connections: concurrency.push,
  });
  if (config.SMTP_URL) return { mailer: createSmtpMailer(config.SMTP_URL, from, concurrency.email), pusher };
  log.info({ folder: config.MAIL_DIR }, 'there is no mail server: mails are written to a folder');
  return { mailer: createMailFolder(config.MAIL_DIR, from), pusher };
}

function configuredKeys(config: Config): VapidKeys | undefined {
  const { VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey } = config;
  if ((publicKey === undefined) !== (privateKey === undefined))
    throw new TypeError('VAPID_PUBLIC_KEY and VAPID_PRIVATE_KEY go together: set both or none');
  return publicKey !== undefined && privateKey !== undefined ? { publicKey, privateKey } : undefined;
}
