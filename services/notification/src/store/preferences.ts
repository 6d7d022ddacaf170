import type { Choice } from '../domain/preferences.js';
import type { NotificationDb } from './database.js';

/** The choices that this person has made. */
export async function choicesMade(db: NotificationDb, userId: string): Promise<Choice[]> {
  return db.$queryRaw<Choice[]>`
    SELECT kind, channel, enabled FROM preferences WHERE user_id = ${userId}::uuid`;
}

/** Adds the choices to those of this person. A new choice replaces an earlier one for the same kind and channel. */
export async function saveChoices(
  db: NotificationDb,
  userId: string,
  choices: readonly Choice[],
): Promise<void> {
  await db.$executeRaw`
    INSERT INTO preferences (user_id, kind, channel, enabled)
    SELECT ${userId}::uuid, kind, channel, enabled
    FROM json_to_recordset(${JSON.stringify(choices)}::json) AS choice(kind text, channel text, enabled boolean)
    ON CONFLICT (user_id, kind, channel) DO UPDATE SET enabled = excluded.enabled`;
}
