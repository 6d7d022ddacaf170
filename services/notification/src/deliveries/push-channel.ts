import type { PushContent } from '../domain/render.js';
import { SubscriptionGone, Undeliverable } from '../providers/failures.js';
import { concurrency } from '../providers/open.js';
import type { Pusher } from '../providers/pusher.js';
import type { NotificationDb } from '../store/database.js';
import { dropGoneSubscription, subscriptionFailed, subscriptionWorked } from '../store/push-health.js';
import type { Channel } from './channel.js';
import { linkTo } from './compose-mail.js';

/** A push service answers within a second or two; somebody's own may never. */
const mostMs = 8_000;

/**
 * Web Push, its payload `{ id, kind, title, body, url }` in JSON. Subscriptions that are gone are forgotten, and those
 * that fail for long.
 */
export function pushChannel(pusher: Pusher, db: NotificationDb, webUrl: string): Channel {
  return {
    name: 'push',
    concurrency: concurrency.push,
    mostMs,
    async send({ id, content, subscription, giveUpAt }, signal) {
      if (subscription === null) throw new Undeliverable('unsubscribed');
      const { path, ...said } = content as PushContent;
      const push = {
        subscription,
        payload: JSON.stringify({ id, ...said, url: linkTo(webUrl, path) }),
        // 32 characters of base64url is what a topic may be, and an id without its hyphens.
        topic: id.replaceAll('-', ''),
        ttlSeconds: Math.max(0, Math.round((giveUpAt.getTime() - Date.now()) / 1_000)),
      };
      await pusher.send(push, signal);
    },
    async learn({ subscription }, failure) {
      if (subscription === null) return;
      if (failure === undefined) await subscriptionWorked(db, subscription);
      else if (failure instanceof SubscriptionGone) await dropGoneSubscription(db, subscription);
      else await subscriptionFailed(db, subscription);
    },
    close: () => pusher.close(),
  };
}
