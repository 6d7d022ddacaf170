import type { PreferableKind } from '../domain/preferences.js';
import type { NotificationDb } from './database.js';

interface NoticeKindRow {
  kind: string;
  email: boolean;
  push: boolean;
}

/** The kinds that other services have requested, in alphabetical order. */
export async function requestedKinds(db: NotificationDb): Promise<PreferableKind[]> {
  const rows = await db.$queryRaw<NoticeKindRow[]>`SELECT kind, email, push FROM notice_kinds ORDER BY kind`;
  return rows.map(({ kind, email, push }) => ({ kind, locked: false, channels: { email, push } }));
}

/**
 * Notes the kind for everybody's preferences. Writes and locks nothing if it is noted already with these defaults.
 *
 * @returns false if another service has the kind, or if the service already has `most` kinds and this one is new
 */
export async function noteRequestedKind(
  db: NotificationDb,
  service: string,
  { kind, channels: { email, push } }: PreferableKind,
  most: number,
): Promise<boolean> {
  const [row] = await db.$queryRaw<{ owner: string | null; same: boolean; count: number }[]>`
    SELECT noted.service AS owner, COALESCE(noted.email = ${email} AND noted.push = ${push}, false) AS same,
      (SELECT count(*)::int FROM notice_kinds WHERE service = ${service}) AS count
    FROM (SELECT 1) AS always LEFT JOIN notice_kinds AS noted ON noted.kind = ${kind}`;
  const { owner = null, same = false, count = 0 } = row ?? {};
  if (owner === null ? count >= most : owner !== service) return false;
  if (same) return true;
  await db.$executeRaw`
    INSERT INTO notice_kinds (kind, service, email, push) VALUES (${kind}, ${service}, ${email}, ${push})
    ON CONFLICT (kind) DO UPDATE SET email = excluded.email, push = excluded.push`;
  return true;
}
