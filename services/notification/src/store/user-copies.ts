import type { Person } from '../domain/notices.js';
import type { NotificationDb } from './database.js';

export interface UserCopy {
  id: string;
  version: number;
  displayName: string;
  locale: string;
  timeZone: string;
}

/** Takes the state if it is newer than the copy's. A tombstone is the newest there can be and so stays. */
export async function keepUserCopy(db: NotificationDb, user: UserCopy): Promise<void> {
  await db.$executeRaw`
    INSERT INTO user_copies AS copy (id, version, display_name, locale, time_zone)
    VALUES (${user.id}::uuid, ${user.version}::int, ${user.displayName}, ${user.locale}, ${user.timeZone})
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, display_name = excluded.display_name,
      locale = excluded.locale, time_zone = excluded.time_zone
    WHERE copy.version < excluded.version`;
}

/** Leaves id and version only. Waits for transactions that are writing something for this person. */
export async function buryUserCopy(db: NotificationDb, id: string, version: number): Promise<void> {
  await db.$executeRaw`
    INSERT INTO user_copies AS copy (id, version, deleted) VALUES (${id}::uuid, ${version}::int, true)
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, deleted = true, display_name = NULL,
      locale = NULL, time_zone = NULL
    WHERE copy.version < excluded.version`;
}

/** The copies of these people, held against erasure until the transaction ends. Unknown ones are left out. */
export async function holdPeople(db: NotificationDb, ids: readonly string[]): Promise<Person[]> {
  return db.$queryRaw<Person[]>`
    SELECT id, deleted, display_name AS "displayName", locale FROM user_copies
    WHERE id = ANY(${ids}::uuid[]) ORDER BY id FOR SHARE`;
}
