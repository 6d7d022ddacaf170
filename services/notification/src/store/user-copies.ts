import type { Person } from '../domain/people.js';
import type { NotificationDb } from './database.js';

export interface UserCopy {
  id: string;
  /** The epoch of the user service's database: a version of a higher epoch is newer than all versions of lower ones. */
  epoch: number;
  version: number;
  displayName: string;
  locale: string;
  timeZone: string;
  email: string;
  emailVerified: boolean;
}

/**
 * Writes the copy if the state is newer, or if it has the same version and adds fields that an older build didn't keep.
 * Within an epoch nothing is newer than a tombstone.
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

/** Replaces the copy by a tombstone. Waits for transactions that are writing something for this person. */
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

/** Locks the copies of these people until the transaction ends, so that an erasure waits. Leaves out unknown people. */
export async function holdPeople(db: NotificationDb, ids: readonly string[]): Promise<Person[]> {
  return db.$queryRaw<Person[]>`
    SELECT id, deleted, display_name AS "displayName", locale, time_zone AS "timeZone" FROM user_copies
    WHERE id = ANY(${[...new Set(ids)]}::uuid[]) ORDER BY id FOR SHARE`;
}

/** Whether an older build made copies without an email address, or without whether it is verified. */
export async function someCopyLacksFields(db: NotificationDb): Promise<boolean> {
  const [row] = await db.$queryRaw<{ found: boolean }[]>`
    SELECT EXISTS (SELECT FROM user_copies WHERE (email IS NULL OR email_verified IS NULL) AND NOT deleted) AS found`;
  return row?.found ?? false;
}
