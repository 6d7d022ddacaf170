import type { Evidence, FeedRow, OutboxRow } from '../../src/evidence/evidence.js';
import type { SeenEntry } from '../../src/ledger.js';

/** Evidence of a correct run: Ada pays Grace, renames herself, and reads her notification. */
export function correctEvidence(): Evidence {
  const payment = { id: 'pay1', payerId: 'ada', recipientId: 'grace', amount: 1250, currency: 'EUR' };
  const feeds = {
    user: [entry('ada', 1, 'user.updated', { id: 'ada', displayName: 'Countess', version: 2 })],
    payment: [
      entry('ada', 1, 'payment.updated', { id: 'pay1', status: 'processing', version: 1 }),
      entry('ada', 2, 'payment.updated', { id: 'pay1', status: 'succeeded', version: 2 }),
      entry('grace', 1, 'payment.updated', { id: 'pay1', status: 'succeeded', version: 2 }),
    ],
    notification: [
      entry('ada', 1, 'notification.created', { notification: { id: 'n-ada-welcome', version: 1 } }),
      entry('ada', 2, 'notification.created', { notification: { id: 'n-ada-sent', version: 1 } }),
      entry('ada', 3, 'notification.updated', { notification: { id: 'n-ada-sent', version: 2 } }),
      entry('grace', 1, 'notification.created', { notification: { id: 'n-grace-welcome', version: 1 } }),
      entry('grace', 2, 'notification.created', { notification: { id: 'n-grace-received', version: 1 } }),
    ],
  };
  const outbox = {
    user: [
      event('e-ada', 'user.registered', 'ada', 1),
      event('e-grace', 'user.registered', 'grace', 1),
      event('e-ada2', 'user.updated', 'ada', 2),
    ],
    payment: [
      event('e-pay', 'payment.processing', 'pay1', 1),
      event('e-paid', 'payment.succeeded', 'pay1', 2),
    ],
    notification: [event('e-n', 'notification.created', 'n-ada-sent', 1)],
  };
  return {
    actions: [
      { ...base('register', 'r0'), kind: 'register', email: 'ada@x', displayName: 'Ada', userId: 'ada' },
      {
        ...base('register', 'r1'),
        kind: 'register',
        email: 'grace@x',
        displayName: 'Grace',
        userId: 'grace',
      },
      { ...base('rename', 'a0'), kind: 'rename', userId: 'ada', displayName: 'Countess', version: 2 },
      {
        ...base('pay', 'a1'),
        kind: 'pay',
        userId: 'ada',
        recipientId: 'grace',
        amount: 1250,
        currency: 'EUR',
        method: 'pm_card_visa',
        key: 'key1',
        description: 'a1 tag',
        paymentId: 'pay1',
      },
      {
        ...base('mark', 'a2'),
        kind: 'mark-read',
        userId: 'ada',
        notificationId: 'n-ada-sent',
        commandId: 'c1',
      },
    ],
    clients: [
      {
        name: 'Ada /notification #1',
        userId: 'ada',
        service: 'notification',
        pulled: feeds.notification.slice(0, 1).map(seen),
        live: feeds.notification.slice(1, 3).map(seen),
        troubles: [],
        connects: 3,
      },
      {
        name: 'Grace /payment #1',
        userId: 'grace',
        service: 'payment',
        pulled: [],
        live: feeds.payment.slice(2).map(seen),
        troubles: [],
        connects: 1,
      },
    ],
    users: [
      user('ada', 'Countess', 2), //
      user('grace', 'Grace', 1),
    ],
    copies: {
      payment: [
        { id: 'ada', version: 2, deleted: false },
        { id: 'grace', version: 1, deleted: false },
      ],
      notification: [
        { id: 'ada', version: 2, deleted: false, displayName: 'Countess', locale: 'en', timeZone: 'UTC' },
        { id: 'grace', version: 1, deleted: false, displayName: 'Grace', locale: 'en', timeZone: 'UTC' },
      ],
    },
    payments: [{ ...payment, status: 'succeeded', description: 'a1 tag', version: 2 }],
    openOperations: 0,
    balances: [
      { account: 'person:ada', currency: 'EUR', held: '0', sum: '0' },
      { account: 'person:grace', currency: 'EUR', held: '1250', sum: '1250' },
    ],
    notifications: [
      notification('n-ada-welcome', 'ada', 'e-ada', 'welcome', null),
      notification('n-grace-welcome', 'grace', 'e-grace', 'welcome', null),
      { ...notification('n-ada-sent', 'ada', 'e-paid', 'payment-sent', 'pay1'), read: true, seen: true },
      notification('n-grace-received', 'grace', 'e-paid', 'payment-received', 'pay1'),
    ],
    counts: [
      { userId: 'ada', unread: 1, unseen: 1 },
      { userId: 'grace', unread: 2, unseen: 2 },
    ],
    feeds,
    heads: {
      user: [{ userId: 'ada', seq: 1 }],
      payment: [
        { userId: 'ada', seq: 2 },
        { userId: 'grace', seq: 1 },
      ],
      notification: [
        { userId: 'ada', seq: 3 },
        { userId: 'grace', seq: 2 },
      ],
    },
    outbox,
    inbox: [
      ...outbox.user.flatMap(({ id }) => [
        { service: 'payment' as const, eventId: id },
        { service: 'notification' as const, eventId: id },
      ]),
      { service: 'notification', eventId: 'e-paid' },
    ],
    planted: [
      { id: 'p1', what: 'malformed', confirmed: true },
      { id: 'p2', what: 'unknown-type', confirmed: true },
    ],
    letters: ['payment', 'notification'].flatMap((service) => [
      letter(`warren.${service}.dead`, 'p1'),
      letter(`warren.${service}.retry.30s`, 'p2'),
    ]),
    queues: {},
    badEnds: [],
    ongoing: [],
  };
}

const time = '2026-01-01T00:00:00.000Z';

function base(kind: string, id: string) {
  return { id, kind, at: 0, outcome: 'accepted' as const, attempts: [{ at: 1, answer: 'ok' }] };
}

export function entry(userId: string, seq: number, type: string, data: unknown): FeedRow {
  return { userId, seq, type, id: `${userId}-${seq}`, time, data };
}

export function seen({ userId: _user, ...rest }: FeedRow): SeenEntry {
  return JSON.parse(JSON.stringify(rest));
}

function event(id: string, type: string, subject: string, version: number): OutboxRow {
  return { id, type, subject, version, published: true };
}

function user(id: string, displayName: string, version: number) {
  return { id, email: `${id}@x`, displayName, locale: 'en', timeZone: 'UTC', version };
}

function notification(id: string, userId: string, eventId: string, kind: string, paymentId: string | null) {
  return { id, userId, eventId, kind, paymentId, read: false, seen: false, archived: false };
}

export function letter(queue: string, messageId: string) {
  return { queue, messageId, type: 'user.updated', reason: '', error: '', body: '' };
}
