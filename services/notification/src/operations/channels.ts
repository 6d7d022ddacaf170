import type { TakenDelivery } from '../domain/delivery.js';
import { composeMail, linkTo } from '../domain/mail.js';
import type { OutsideChannel } from '../domain/notices/kind.js';
import type { MailContent, PushContent } from '../domain/notices/render.js';
import { SubscriptionGone, Undeliverable } from '../providers/failures.js';
import type { Mailer } from '../providers/mailer.js';
import { concurrency } from '../providers/open.js';
import type { Pusher } from '../providers/pusher.js';
import type { NotificationDb } from '../store/database.js';
import { dropGoneSubscription, subscriptionFailed, subscriptionWorked } from '../store/push-subscriptions.js';

/** A way to reach people outside the web app. */
export interface Channel {
  name: OutsideChannel;
  /** Most deliveries that this instance has under way on the channel. */
  concurrency: number;
  /** Milliseconds after which a try is given up, if this is less than on other channels. */
  sendMs?: number;
  /**
   * Sends the delivery. The signal ends a try that takes too long.
   *
   * @throws Undeliverable if no retry can help; after any other error the delivery is tried again
   */
  send(delivery: TakenDelivery, signal: AbortSignal): Promise<void>;
  /**
   * Takes note of how a try ended; `failure` is `undefined` if the delivery was sent. Not called for a failure after
   * the service has begun to stop.
   */
  recordResult?(delivery: TakenDelivery, failure: unknown): Promise<void>;
  close(): Promise<void>;
}

/** Mails with links to the web app at `webUrl`. An unverified address gets none: it may be somebody else's. */
export function emailChannel(mailer: Mailer, webUrl: string): Channel {
  return {
    name: 'email',
    concurrency: concurrency.email,
    async send({ id, address, mayMail, content, createdAt: date }, signal) {
      // A later event about the person brings the address.
      if (address === null || mayMail === null)
        throw Object.assign(new Error('the address is not known yet'), { code: 'no-address' });
      if (!mayMail) throw new Undeliverable('unverified');
      await mailer.send({ id, to: address, date, ...composeMail(content as MailContent, webUrl) }, signal);
    },
    close: () => mailer.close(),
  };
}

/** Push services answer within a second or two. Endpoints of unknown servers may never answer. */
const pushSendMs = 8_000;

/**
 * Web Push, with the payload `{ id, kind, title, body, url }` in JSON. Drops subscriptions that are gone or have failed
 * for a long time.
 */
export function pushChannel(pusher: Pusher, db: NotificationDb, webUrl: string): Channel {
  return {
    name: 'push',
    concurrency: concurrency.push,
    sendMs: pushSendMs,
    async send({ id, content, subscription, giveUpAt }, signal) {
      if (subscription === null) throw new Undeliverable('unsubscribed');
      const { path, ...shown } = content as PushContent;
      const push = {
        subscription,
        payload: JSON.stringify({ id, ...shown, url: linkTo(webUrl, path) }),
        // A topic has at most 32 characters of base64url. An id without its hyphens has exactly 32.
        topic: id.replaceAll('-', ''),
        ttlSeconds: Math.max(0, Math.round((giveUpAt.getTime() - Date.now()) / 1_000)),
      };
      await pusher.send(push, signal);
    },
    async recordResult({ subscription }, failure) {
      if (subscription === null) return;
      if (failure === undefined) await subscriptionWorked(db, subscription);
      else if (failure instanceof SubscriptionGone) await dropGoneSubscription(db, subscription);
      else await subscriptionFailed(db, subscription);
    },
    close: () => pusher.close(),
  };
}
