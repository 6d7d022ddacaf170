import { closed, defineContract, Empty, Id, Time, Version } from '@warren/contracts';
import { type Static, Type } from 'typebox';
import { notificationErrors } from './errors.js';
import { NotificationRequested } from './requested.js';

export const Notification = Type.Object(
  {
    id: Id,
    /** Readers must expect unknown kinds, and show their title and body. */
    kind: Type.String({ minLength: 1, maxLength: 64 }),
    title: Type.String({ maxLength: 200 }),
    body: Type.String({ maxLength: 1000 }),
    data: Type.Record(Type.String(), Type.Unknown()),
    createdAt: Time,
    seenAt: Type.Optional(Time),
    readAt: Type.Optional(Time),
    archivedAt: Type.Optional(Time),
    version: Version,
  },
  closed,
);
export type Notification = Static<typeof Notification>;

/**
 * The numbers of unread and unseen notifications. Every entry has them, so clients needn't count; the highest `version`
 * wins.
 */
export const Counts = Type.Object(
  {
    unread: Type.Integer({ minimum: 0 }),
    unseen: Type.Integer({ minimum: 0 }),
    version: Type.Integer({ minimum: 0 }),
  },
  closed,
);
export type Counts = Static<typeof Counts>;

const NotificationAndCounts = Type.Object({ notification: Notification, counts: Counts }, closed);

/** A change of all notifications up to and including `upTo`. */
export const AllUpdated = Type.Object(
  {
    change: Type.Enum(['read', 'seen']),
    upTo: Type.Union([Id, Type.Null()]),
    counts: Counts,
  },
  closed,
);

const ById = { input: Type.Object({ id: Id }, closed), output: NotificationAndCounts };
const All = { input: Empty, output: Type.Object({ counts: Counts }, closed) };

export const notificationContract = defineContract({
  service: 'notification',
  emits: {
    'notification.created': Type.Object({ userId: Id, notification: Notification }, closed),
  },
  accepts: { 'notification.requested': NotificationRequested },
  discardable: ['notification.created'],
  commands: {
    'notification.mark-read': ById,
    'notification.mark-unread': ById,
    'notification.archive': ById,
    'notification.unarchive': ById,
    'notification.mark-all-read': All,
    'notification.mark-all-seen': All,
  },
  feed: {
    'notification.created': NotificationAndCounts,
    'notification.updated': NotificationAndCounts,
    'notification.all-updated': AllUpdated,
  },
  errors: notificationErrors,
});
