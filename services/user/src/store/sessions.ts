import { randomBytes } from 'node:crypto';
import { v4 } from 'uuid';
import type { Rotation, SessionState } from '../domain/refresh-tokens.js';
import { mostSessions, type SessionOrigin, storedOrigin } from '../domain/sessions.js';
import type { Prisma, Session } from '../generated/prisma/client.js';
import type { UserDb } from './database.js';

export interface NewSession {
  userId: string;
  origin: SessionOrigin;
  createdAt: Date;
  expiresAt: Date;
  tokensEndAt: Date;
}

/** The caller has locked the user. */
export async function insertSession(
  db: UserDb,
  { origin, createdAt, ...session }: NewSession,
): Promise<Session> {
  const data = { id: v4(), rotationKey: randomBytes(32), ...session, ...storedOrigin(origin) };
  return await db.session.create({ data: { ...data, createdAt, rotatedAt: createdAt } });
}

/** Locks the session until the transaction ends. So its refreshes take turns, and none overtakes a revocation. */
export async function lockSession(db: UserDb, id: string): Promise<Session | null> {
  await db.$queryRawUnsafe('SELECT 1 FROM sessions WHERE id = $1::uuid FOR UPDATE', id);
  return await db.session.findUnique({ where: { id } });
}

/** `rotatedAt` holds the last rotation. The list holds the ones before it. */
export function stateOf({ generation, rotations, rotatedAt, expiresAt, revokedAt }: Session): SessionState {
  const last = { generation: generation - 1, at: rotatedAt.getTime() };
  const earlier = rotationsOf(rotations).filter((each) => each.generation < last.generation);
  return { generation, rotations: generation > 1 ? [...earlier, last] : [], expiresAt, revokedAt };
}

function rotationsOf(json: Prisma.JsonValue): Rotation[] {
  if (!Array.isArray(json)) return [];
  return json.flatMap((each) => {
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return [];
    const { generation, at } = each;
    return typeof generation === 'number' && typeof at === 'number' ? { generation, at } : [];
  });
}

export interface SessionRenewal {
  rotations: readonly Rotation[];
  rotatedAt: Date;
  expiresAt: Date;
  tokensEndAt: Date;
}

/** Advances the session to its next refresh token. */
export async function rotateSession(
  db: UserDb,
  id: string,
  { rotations, ...renewal }: SessionRenewal,
): Promise<Session> {
  const data = {
    generation: { increment: 1 },
    rotations: rotations.map((each) => ({ ...each })),
    ...renewal,
  };
  return await db.session.update({ where: { id }, data });
}

/** Records the end of an access token that was issued without a rotation. The caller has locked the session. */
export async function saveTokensEnd(db: UserDb, id: string, tokensEndAt: Date): Promise<void> {
  await db.session.update({ where: { id }, data: { tokensEndAt } });
}

/** Selects the user's active sessions: the ones that can still be refreshed. `revokeSessions` has it in SQL. */
export const activeSessions = (userId: string, now: Date) => ({ userId, ...active(now) });
const active = (now: Date) => ({ revokedAt: null, expiresAt: { gt: now } });
const activeSql = 'revoked_at IS NULL AND expires_at > $2::timestamptz';

export async function isActive(db: UserDb, userId: string, id: string, now: Date): Promise<boolean> {
  return (await db.session.count({ where: { id, ...activeSessions(userId, now) } })) > 0;
}

/** The addresses from which the active sessions of this account were opened. Empty if there is no such account. */
export async function signedInFrom(db: UserDb, email: string, now: Date): Promise<string[]> {
  const rows = await db.session.findMany({
    where: { user: { email }, ...active(now), address: { not: null } },
    distinct: ['address'],
    select: { address: true },
  });
  return rows.flatMap(({ address }) => address ?? []);
}

/** The sessions that must end before the user can open another one: the ones that were used longest ago. */
export async function surplusSessions(db: UserDb, userId: string, now: Date): Promise<string[]> {
  const where = activeSessions(userId, now);
  const surplus = (await db.session.count({ where })) - mostSessions + 1;
  if (surplus <= 0) return [];
  const rows = await db.session.findMany({
    where,
    orderBy: { rotatedAt: 'asc' },
    take: surplus,
    select: { id: true },
  });
  return rows.map(({ id }) => id);
}

/** Selects active sessions of one user: all, or the ones with these ids. Never the session `except`. */
export interface SessionSelection {
  ids: 'all' | readonly string[];
  except?: string;
}

export interface EndedSession {
  id: string;
  /** The time by which all access tokens of the session have expired, as far as it was recorded. */
  tokensEndAt: Date | null;
}

/** Milliseconds for which a revoked session is kept. Afterwards its refresh tokens are as unknown as invented ones. */
const keptMs = 24 * 60 * 60_000;

/** Marks the selected sessions as revoked and returns them. Locks them in the order of their ids. */
export async function revokeSessions(
  db: UserDb,
  userId: string,
  { ids, except }: SessionSelection,
  now: Date,
): Promise<EndedSession[]> {
  return await db.$queryRawUnsafe<EndedSession[]>(
    `UPDATE sessions SET revoked_at = $2::timestamptz, expires_at = LEAST(expires_at, $5::timestamptz)
    WHERE id IN (
      SELECT id FROM sessions
      WHERE user_id = $1::uuid AND ${activeSql}
        AND ($3::uuid[] IS NULL OR id = ANY ($3::uuid[])) AND id IS DISTINCT FROM $4::uuid
      ORDER BY id FOR UPDATE
    ) RETURNING id::text, tokens_end_at AS "tokensEndAt"`,
    userId,
    now.toISOString(),
    ids === 'all' ? null : ids,
    except ?? null,
    new Date(now.getTime() + keptMs).toISOString(),
  );
}
