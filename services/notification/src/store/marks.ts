import type { Counts } from '@warren/notification-contract';
import type { Mark, MarkAll } from '../domain/inbox.js';
import { Prisma } from '../generated/prisma/client.js';
import type { NotificationDb } from './database.js';
import {
  type Counted,
  type CountedRow,
  countsColumns,
  notificationColumns,
  toCounted,
  unreadOf,
  unseenOf,
} from './notifications.js';

/** What a mark changes in a notification `n`. A notification that is read has also been seen. */
interface Change {
  /** The notifications that the mark changes. */
  where: Prisma.Sql;
  set(at: Date): Prisma.Sql;
}

const changes: Readonly<Record<Mark, Change>> = {
  read: {
    where: Prisma.sql`n.read_at IS NULL`,
    set: (at) => Prisma.sql`read_at = ${at}::timestamptz, seen_at = coalesce(n.seen_at, ${at}::timestamptz)`,
  },
  unread: { where: Prisma.sql`n.read_at IS NOT NULL`, set: () => Prisma.sql`read_at = NULL` },
  archived: {
    where: Prisma.sql`n.archived_at IS NULL`,
    set: (at) => Prisma.sql`archived_at = ${at}::timestamptz`,
  },
  unarchived: { where: Prisma.sql`n.archived_at IS NOT NULL`, set: () => Prisma.sql`archived_at = NULL` },
};

const changesOfAll: Readonly<Record<MarkAll, Change>> = {
  read: changes.read,
  seen: { where: Prisma.sql`n.seen_at IS NULL`, set: (at) => Prisma.sql`seen_at = ${at}::timestamptz` },
};

/**
 * Marks a notification. Resolves to `undefined` if nothing changes, because it has this mark already or the person has
 * no such notification.
 */
export async function markOne(
  db: NotificationDb,
  userId: string,
  id: string,
  mark: Mark,
  at: Date,
): Promise<Counted | undefined> {
  const { where, set } = changes[mark];
  const [row] = await db.$queryRaw<CountedRow[]>`
    WITH old AS (
      SELECT n.* FROM notifications n WHERE n.id = ${id}::uuid AND n.user_id = ${userId}::uuid AND ${where}
      FOR UPDATE
    ), n AS (
      UPDATE notifications n SET ${set(at)}, version = n.version + 1 FROM old WHERE n.id = old.id RETURNING n.*
    ), c AS (
      UPDATE counts c SET unread = c.unread + ${unreadOf('n')} - ${unreadOf('old')},
        unseen = c.unseen + ${unseenOf('n')} - ${unseenOf('old')}, version = c.version + 1
      FROM n JOIN old ON old.id = n.id WHERE c.user_id = ${userId}::uuid RETURNING c.*
    )
    SELECT ${notificationColumns}, ${countsColumns} FROM n CROSS JOIN c`;
  return row && toCounted(row);
}

export interface AllMarked {
  /** The id of the newest notification that changed. */
  upTo: string;
  counts: Counts;
}

/**
 * Marks all notifications of the inbox. Resolves to `undefined` if nothing changes. The counts go down by the number of
 * changed rows, whatever arrives in the meantime. The statement joins rows by their index only: with old statistics,
 * PostgreSQL would compare two lists of thousands row by row.
 */
export async function markAll(
  db: NotificationDb,
  userId: string,
  mark: MarkAll,
  at: Date,
): Promise<AllMarked | undefined> {
  const { where, set } = changesOfAll[mark];
  const [row] = await db.$queryRaw<(Counts & { upTo: string })[]>`
    WITH old AS (
      SELECT n.* FROM notifications n WHERE n.user_id = ${userId}::uuid AND n.archived_at IS NULL AND ${where}
      ORDER BY n.id FOR UPDATE
    ), n AS (
      UPDATE notifications n SET ${set(at)}, version = n.version + 1 FROM old WHERE n.id = old.id
      RETURNING n.id, ${unreadOf('n')} - ${unreadOf('old')} AS unread, ${unseenOf('n')} - ${unseenOf('old')} AS unseen
    ), changed AS (
      SELECT coalesce(sum(unread), 0)::int AS unread, coalesce(sum(unseen), 0)::int AS unseen, max(id::text) AS "upTo"
      FROM n
    ), c AS (
      UPDATE counts c SET unread = c.unread + changed.unread, unseen = c.unseen + changed.unseen,
        version = c.version + 1
      FROM changed WHERE c.user_id = ${userId}::uuid AND changed."upTo" IS NOT NULL
      RETURNING c.*
    )
    SELECT changed."upTo", c.unread, c.unseen, c.version FROM c CROSS JOIN changed`;
  if (row === undefined) return undefined;
  const { upTo, ...counts } = row;
  return { upTo, counts };
}
