import type { Person } from '../domain/people.js';
import type { NotificationDb } from './database.js';

export interface UserCopy {
  id: string;
  /** Of the user service's entities: a version of a higher epoch is newer than all of a lower one. */
  epoch: number;
  version: number;
  displayName: string;
  locale: string;
  timeZone: string;
  email: string;
  emailVerified: boolean;
}

/**
 * Takes the state if it is newer than the copy's, or is the copy's own and brings what an older build didn't keep.
 * Within an epoch a tombstone is the newest there can be and stays.
 */
export async function keepUserCopy(db: NotificationDb, user: UserCopy): Promise<void> {
  await db.$executeRaw`
    INSERT INTO user_copies AS copy (id, epoch, version, display_name, locale, time_zone, email, email_verified)
    VALUES (${user.id}::uuid, ${user.epoch}::int, ${user.version}::int, ${user.displayName}, ${user.locale}, ${user.timeZone},
      ${user.email}, ${user.emailVerified})
    ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, version = excluded.version, deleted = false,
      display_name = excluded.display_name, locale = excluded.locale, time_zone = excluded.time_zone, email = excluded.email,
      email_verified = excluded.email_verified
    WHERE (copy.epoch, copy.version) < (excluded.epoch, excluded.version)
      OR ((copy.epoch, copy.version) = (excluded.epoch, excluded.version) AND (copy.email IS NULL OR copy.email_verified IS NULL)
        AND NOT copy.deleted)`;
}

/** Leaves id and version only. Waits for transactions that are writing something for this person. */
export async function buryUserCopy(
  db: NotificationDb,
  { id, epoch, version }: Pick<UserCopy, 'id' | 'epoch' | 'version'>,
): Promise<void> {
  await db.$executeRaw`
    INSERT INTO user_copies AS copy (id, epoch, version, deleted)
    VALUES (${id}::uuid, ${epoch}::int, ${version}::int, true)
    ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, version = excluded.version, deleted = true, display_name = NULL,
      locale = NULL, time_zone = NULL, email = NULL, email_verified = NULL
    WHERE (copy.epoch, copy.version) < (excluded.epoch, excluded.version)`;
}

/** The copies of these people, held against erasure until the transaction ends. Unknown ones are left out. */
export async function holdPeople(db: NotificationDb, ids: readonly string[]): Promise<Person[]> {
  return db.$queryRaw<Person[]>`
    SELECT id, deleted, display_name AS "displayName", locale, time_zone AS "timeZone" FROM user_copies
    WHERE id = ANY(${[...new Set(ids)]}::uuid[]) ORDER BY id FOR SHARE`;
}

/** Whether a build that kept no emails, or not whether they are verified, made some of the copies. */
export async function someCopyLacksFields(db: NotificationDb): Promise<boolean> {
  const [row] = await db.$queryRaw<{ found: boolean }[]>`
    SELECT EXISTS (SELECT FROM user_copies WHERE (email IS NULL OR email_verified IS NULL) AND NOT deleted) AS found`;
  return row?.found ?? false;
}
