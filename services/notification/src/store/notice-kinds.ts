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
 * @returns false if the service already has `most` kinds and this one is new
 */
export async function noteRequestedKind(
  db: NotificationDb,
  service: string,
  { kind, channels: { email, push } }: PreferableKind,
  most: number,
): Promise<boolean> {
  const [row] = await db.$queryRaw<{ noted: boolean; same: boolean; count: number }[]>`
    SELECT EXISTS (SELECT FROM notice_kinds WHERE kind = ${kind}) AS noted,
      EXISTS (SELECT FROM notice_kinds WHERE kind = ${kind} AND email = ${email} AND push = ${push}) AS same,
      (SELECT count(*)::int FROM notice_kinds WHERE service = ${service}) AS count`;
  if (row?.same) return true;
  if (!row?.noted && (row?.count ?? 0) >= most) return false;
  await db.$executeRaw`
    INSERT INTO notice_kinds (kind, service, email, push) VALUES (${kind}, ${service}, ${email}, ${push})
    ON CONFLICT (kind) DO UPDATE SET email = excluded.email, push = excluded.push`;
  return true;
}
