import { randomBytes } from 'node:crypto';
import { v4 } from 'uuid';
import type { UserTx } from '../context.js';
import type { Rotation, SessionState } from '../domain/refresh.js';
import { checkClient, mostSessions, type SessionClient } from '../domain/sessions.js';
import type { Session } from '../generated/prisma/client.js';
import type { UserDb } from './database.js';

export interface NewSession {
  userId: string;
  client: SessionClient;
  now: Date;
  expiresAt: Date;
  tokensEndAt: Date;
}

/** The caller holds the person's row. */
export async function insertSession(tx: UserTx, { client, now, ...session }: NewSession): Promise<Session> {
  const data = { id: v4(), rotationKey: randomBytes(32), ...session, ...checkClient(client) };
  return await tx.session.create({ data: { ...data, createdAt: now, rotatedAt: now } });
}

/** Refreshes of one session take turns; and none can pass a revocation that is being written. */
export async function lockSession(tx: UserTx, id: string): Promise<Session | null> {
  await tx.$queryRawUnsafe('SELECT 1 FROM sessions WHERE id = $1::uuid FOR UPDATE', id);
  return await tx.session.findUnique({ where: { id } });
}

/** The last rotation is told by `rotatedAt`, those before it by their list. */
export function stateOf({ generation, rotations, rotatedAt, expiresAt, revokedAt }: Session): SessionState {
  const last = { generation: generation - 1, at: rotatedAt.getTime() };
  const earlier = (rotations as unknown as Rotation[]).filter((each) => each.generation < last.generation);
  return { generation, rotations: generation > 1 ? [...earlier, last] : [], expiresAt, revokedAt };
}

export interface Rotated {
  rotations: readonly Rotation[];
  now: Date;
  expiresAt: Date;
  tokensEndAt: Date;
}

/** Gives the session its next refresh token. */
export async function rotateSession(
  tx: UserTx,
  id: string,
  { rotations, now, ...ends }: Rotated,
): Promise<Session> {
  const data = { generation: { increment: 1 }, rotations: rotations.map((each) => ({ ...each })), ...ends };
  return await tx.session.update({ where: { id }, data: { ...data, rotatedAt: now } });
}

/** For an access token that comes without a rotation. The caller holds the session's row. */
export async function keepTokensEnd(tx: UserTx, id: string, tokensEndAt: Date): Promise<void> {
  await tx.session.update({ where: { id }, data: { tokensEndAt } });
}

/** The person's sessions that can still be refreshed. */
const alive = (userId: string, now: Date) => ({ userId, revokedAt: null, expiresAt: { gt: now } });

export interface SessionPage {
  now: Date;
  limit: number;
  /** Only those opened before this one. */
  before?: string | undefined;
}

/** The newest first; `before` names one of the person's own, or nothing follows it. */
export async function listSessions(
  db: UserDb,
  userId: string,
  { now, limit, before }: SessionPage,
): Promise<Session[]> {
  const last =
    before === undefined ? undefined : await db.session.findFirst({ where: { id: before, userId } });
  if (last === null) return [];
  return await db.session.findMany({
    where: {
      ...alive(userId, now),
      ...(last && {
        OR: [{ createdAt: { lt: last.createdAt } }, { createdAt: last.createdAt, id: { lt: last.id } }],
      }),
    },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    take: limit,
  });
}

export async function isAlive(db: UserDb, userId: string, id: string, now: Date): Promise<boolean> {
  return (await db.session.count({ where: { id, ...alive(userId, now) } })) > 0;
}

/** From where the account of this address, if there is one, was signed in to by sessions that are alive. */
export async function signedInFrom(db: UserDb, email: string, now: Date): Promise<string[]> {
  const rows = await db.session.findMany({
    where: { user: { email }, revokedAt: null, expiresAt: { gt: now }, address: { not: null } },
    distinct: ['address'],
    select: { address: true },
  });
  return rows.map(({ address }) => address as string);
}

/** Those that a further session of this person has no room beside; used longest ago first. */
export async function surplusSessions(db: UserDb, userId: string, now: Date): Promise<string[]> {
  const where = alive(userId, now);
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
