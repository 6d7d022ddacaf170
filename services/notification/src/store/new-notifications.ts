import type { RenderedNotice } from '../domain/render.js';
import { type Counted, type CountedRow, countsColumns, toCounted } from './counted.js';
import type { NotificationDb } from './database.js';
import { notificationColumns } from './notifications.js';

/** A notice with the id that its notification is to have, a UUIDv7. */
export interface NewNotification extends RenderedNotice {
  id: string;
}

/**
 * Writes the notifications and adds them to their owners' counts, in one statement. One that was written before, by
 * the same event for the same person and of the same kind, is left out.
 */
export async function writeNotifications(
  db: NotificationDb,
  notifications: readonly NewNotification[],
  at: Date,
): Promise<Counted[]> {
  const given = JSON.stringify(
    notifications.map(({ id, notice: { userId, eventId, kind, values: data }, title, body }) => ({
      id,
      userId,
      eventId,
      kind: kind.kind,
      title,
      body,
      data,
    })),
  );
  const rows = await db.$queryRaw<CountedRow[]>`
    WITH n AS (
      INSERT INTO notifications (id, user_id, event_id, kind, title, body, data, created_at)
      SELECT id, "userId", "eventId", kind, title, body, data, ${at}::timestamptz
      FROM json_to_recordset(${given}::json) AS notice(
        id uuid, "userId" uuid, "eventId" text, kind text, title text, body text, data jsonb)
      ON CONFLICT (event_id, user_id, kind) DO NOTHING
      RETURNING *
    ), c AS (
      INSERT INTO counts AS c (user_id, unread, unseen, version)
      SELECT user_id, count(*), count(*), 1 FROM n GROUP BY user_id ORDER BY user_id
      ON CONFLICT (user_id) DO UPDATE SET unread = c.unread + excluded.unread,
        unseen = c.unseen + excluded.unseen, version = c.version + 1
      RETURNING *
    )
    SELECT ${notificationColumns}, ${countsColumns} FROM n JOIN c USING (user_id)`;
  return rows.map(toCounted);
}
