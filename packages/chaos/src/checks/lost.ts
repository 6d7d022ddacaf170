import type { Evidence, FeedRow } from '../evidence/evidence.js';
import type { MarkReadAction, PayAction, RegisterAction, RenameAction } from '../ledger.js';
import { type Check, groupBy } from './check.js';

/** The effects of an accepted action must exist, including the ones in other services. */
export const lostActions: Check = {
  name: 'accepted actions lost',
  find(evidence) {
    const index = indexOf(evidence);
    return evidence.actions.flatMap((action) => {
      if (action.outcome !== 'accepted') return [];
      const missing = missingOf(action, index);
      return missing.length > 0
        ? [`${action.kind} ${action.id}: ${missing.join('; ')} ${JSON.stringify(action)}`]
        : [];
    });
  },
};

type Index = ReturnType<typeof indexOf>;

function indexOf(evidence: Evidence) {
  return {
    users: new Map(evidence.users.map((user) => [user.id, user])),
    payments: new Map(evidence.payments.map((payment) => [payment.id, payment])),
    notified: groupBy(
      evidence.notifications,
      ({ userId, kind, paymentId }) => `${userId} ${kind} ${paymentId}`,
    ),
    notifications: new Map(evidence.notifications.map((notification) => [notification.id, notification])),
    feeds: {
      user: groupBy(evidence.feeds.user, ({ userId }) => userId),
      payment: groupBy(evidence.feeds.payment, ({ userId }) => userId),
      notification: groupBy(evidence.feeds.notification, ({ userId }) => userId),
    },
  };
}

function missingOf(action: Evidence['actions'][number], index: Index): string[] {
  switch (action.kind) {
    case 'register':
      return registration(action, index);
    case 'rename':
      return renaming(action, index);
    case 'pay':
      return payment(action, index);
    case 'mark-read':
      return marking(action, index);
  }
}

function registration({ userId = '', email }: RegisterAction, { users, notified }: Index): string[] {
  return [
    ...(users.get(userId)?.email === email ? [] : ['no such user']),
    ...(notified.has(`${userId} welcome null`) ? [] : ['no welcome']),
  ];
}

function renaming({ userId, displayName, version }: RenameAction, { users, feeds }: Index): string[] {
  const inFeed = (feeds.user.get(userId) ?? []).some(({ type, data }) => {
    const user = data as { displayName: string; version: number };
    return type === 'user.updated' && user.displayName === displayName && user.version === version;
  });
  return [
    ...(inFeed ? [] : ['no user.updated in the feed']),
    ...((users.get(userId)?.version ?? 0) >= (version ?? 1)
      ? []
      : ['the user has an older version than the answer']),
  ];
}

/** The notifications that a payment in this state must have. */
const notificationsOf: Readonly<Record<string, readonly [kind: string, who: 'userId' | 'recipientId'][]>> = {
  succeeded: [
    ['payment-sent', 'userId'],
    ['payment-received', 'recipientId'],
  ],
  failed: [['payment-failed', 'userId']],
  requires_action: [['payment-action-required', 'userId']],
};

/** The final state of a payment, where it isn't `succeeded`. */
const statusOfMethod: Readonly<Record<string, string>> = {
  pm_card_chargeDeclined: 'failed',
  pm_card_authenticationRequired: 'requires_action',
};

function payment(action: PayAction, { payments, notified, feeds }: Index): string[] {
  const found = payments.get(action.paymentId ?? '');
  if (!found) return ['no such payment'];
  const status = statusOfMethod[action.method] ?? 'succeeded';
  const same =
    found.payerId === action.userId &&
    found.recipientId === action.recipientId &&
    found.amount === action.amount &&
    found.currency === action.currency;
  return [
    ...(same ? [] : [`the payment differs: ${JSON.stringify(found)}`]),
    ...(found.status === status ? [] : [`is ${found.status}, not ${status}`]),
    ...(notificationsOf[status] ?? [])
      .filter(([kind, who]) => !notified.has(`${action[who]} ${kind} ${found.id}`))
      .map(([kind, who]) => `no ${kind} for ${action[who]}`),
    ...(isInFeed(feeds.payment.get(action.userId), found.id, status) ? [] : ["not in the payer's feed"]),
    ...(status !== 'succeeded' || isInFeed(feeds.payment.get(action.recipientId), found.id, status)
      ? []
      : ["not in the recipient's feed"]),
  ];
}

function isInFeed(feed: readonly FeedRow[] = [], paymentId: string, status: string): boolean {
  return feed.some(({ type, data }) => {
    const payment = data as { id: string; status: string };
    return type === 'payment.updated' && payment.id === paymentId && payment.status === status;
  });
}

function marking({ userId, notificationId }: MarkReadAction, { notifications, feeds }: Index): string[] {
  const inFeed = (feeds.notification.get(userId) ?? []).some(
    ({ type, data }) => type === 'notification.updated' && idOf(data) === notificationId,
  );
  return [
    ...(notifications.get(notificationId)?.read ? [] : ['is not read']),
    ...(inFeed ? [] : ['no notification.updated in the feed']),
  ];
}

function idOf(data: unknown): string {
  return (data as { notification: { id: string } }).notification.id;
}
