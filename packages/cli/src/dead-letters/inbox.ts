import { hasDatabase, withDatabase } from '../connections.js';
import type { Io } from '../io.js';

/** Days that a service's inbox surely knows what it handled. */
export const inboxDays = 14;

const handled = `
SELECT event_id AS id FROM messaging.inbox WHERE consumer = $1 AND event_id = ANY($2::text[])`;

/** Which of these events the service has handled already, as far as that can be asked here. */
export async function handledAlready(
  io: Io,
  service: string,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  if (!hasDatabase(io)) {
    io.err('no DATABASE_URL: what the inbox holds already, the service itself discards');
    return new Set();
  }
  return withDatabase(io, async (database) => {
    const rows = await database.rows<{ id: string }>(handled, [service, ids]);
    return new Set(rows.map(({ id }) => id));
  });
}
