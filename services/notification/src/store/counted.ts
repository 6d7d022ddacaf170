import type { Counts, Notification } from '@warren/notification-contract';
import { type Notification as NotificationRow, Prisma } from '../generated/prisma/client.js';
import { toNotification } from './notifications.js';

/** A notification, and its owner's counts as they are with it. */
export interface Counted {
  userId: string;
  notification: Notification;
  counts: Counts;
}

export type CountedRow = NotificationRow & { unread: number; unseen: number; countsVersion: number };

/** The counts beside a notification, in a raw answer. */
export const countsColumns = Prisma.raw('c.unread, c.unseen, c.version AS "countsVersion"');

export function toCounted({ unread, unseen, countsVersion, ...row }: CountedRow): Counted {
  return {
    userId: row.userId,
    notification: toNotification(row),
    counts: { unread, unseen, version: countsVersion },
  };
}

/** How much a row counts as unread and as unseen: nothing once it is archived. */
export const unreadOf = (row: string) =>
  Prisma.raw(`(${row}.read_at IS NULL AND ${row}.archived_at IS NULL)::int`);
export const unseenOf = (row: string) =>
  Prisma.raw(`(${row}.seen_at IS NULL AND ${row}.archived_at IS NULL)::int`);
