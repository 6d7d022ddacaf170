import type { NotificationDb } from './database.js';

/** Whether this database has ever had the whole copy of users: see the kit's `messaging.copy`. */
export async function hasAllUsers(db: NotificationDb): Promise<boolean> {
  const [row] = await db.$queryRaw<{ complete: boolean }[]>`
    SELECT EXISTS (SELECT FROM messaging.copy WHERE source = 'user' AND completed_at IS NOT NULL) AS complete`;
  return row?.complete ?? false;
}

/**
 * Asks for the whole copy again where some of it was kept by a build that kept no emails, or not whether they are
 * verified. The copy stays in use meanwhile: versions make repeats harmless.
 *
 * Resolves to whether it asked. To be called before consuming starts, which is when copies that lack something are
 * looked for.
 */
export async function askForWhatCopiesLack(db: NotificationDb): Promise<boolean> {
  const asked = await db.$executeRaw`
    UPDATE messaging.copy SET replay_id = gen_random_uuid(), asked_at = NULL, completed_at = NULL
    WHERE source = 'user' AND completed_at IS NOT NULL
      AND EXISTS (SELECT FROM user_copies WHERE (email IS NULL OR email_verified IS NULL) AND NOT deleted)`;
  return asked > 0;
}
