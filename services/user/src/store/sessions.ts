import { randomBytes } from 'node:crypto';
import { AppError } from '@warren/contracts';
import { v4 } from 'uuid';
import { decideRefresh } from '../domain/refresh.js';
import { Prisma, type Session } from '../generated/prisma/client.js';
import { isGenuine, readRefreshToken, writeRefreshToken } from '../security/refresh-tokens.js';
import type { UserDb, UserTx } from './database.js';

export interface OpenSession {
  id: string;
  refreshToken: string;
}

/** Throws `wrong-credentials` if the person has been deleted meanwhile. */
export async function openSession(db: UserDb, userId: string, expiresAt: Date): Promise<OpenSession> {
  const data = { id: v4(), userId, rotationKey: randomBytes(32), expiresAt };
  const session = await db.session.create({ data }).catch(asGone);
  return { id: session.id, refreshToken: tokenOf(session) };
}

export type Refresh =
  | { ok: true; userId: string; session: OpenSession }
  | { ok: false; code: 'unauthenticated' | 'token-expired' | 'session-revoked' };

/**
 * Takes a refresh token for its successor. A token that comes back after its successor was used ends the whole
 * session; so the refusal is a result and not an error, which would roll that back.
 */
export async function refreshSession(tx: UserTx, token: string, expiresAt: Date): Promise<Refresh> {
  const claim = readRefreshToken(token);
  const session = claim && (await lockSession(tx, claim.sessionId));
  if (!session || !isGenuine(claim, session.rotationKey)) return { ok: false, code: 'unauthenticated' };
  const { id, userId } = session;
  switch (decideRefresh(session, claim.generation, new Date())) {
    case 'revoked':
      return { ok: false, code: 'session-revoked' };
    case 'expired':
      return { ok: false, code: 'token-expired' };
    case 'reused':
      await revokeSession(tx, id);
      return { ok: false, code: 'session-revoked' };
    case 'repeat':
      return { ok: true, userId, session: { id, refreshToken: tokenOf(session) } };
    case 'rotate': {
      const data = { generation: { increment: 1 }, rotatedAt: new Date(), expiresAt };
      const rotated = await tx.session.update({ where: { id }, data });
      return { ok: true, userId, session: { id, refreshToken: tokenOf(rotated) } };
    }
  }
}

export async function revokeSession(db: UserDb, id: string): Promise<void> {
  await db.session.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: new Date() } });
}

/** Ends the session of the caller. Throws `session-revoked` if it was ended before. */
export async function endSession(db: UserDb, id: string, userId: string): Promise<void> {
  const { count } = await db.session.updateMany({
    where: { id, userId, revokedAt: null },
    data: { revokedAt: new Date() },
  });
  if (count === 0) throw new AppError('session-revoked');
}

/** Refreshes of one session take turns; and none can pass a revocation that is being written. */
async function lockSession(tx: UserTx, id: string): Promise<Session | null> {
  await tx.$queryRawUnsafe('SELECT 1 FROM sessions WHERE id = $1::uuid FOR UPDATE', id);
  return await tx.session.findUnique({ where: { id } });
}

function tokenOf({ id, generation, rotationKey }: Session): string {
  return writeRefreshToken(id, generation, rotationKey);
}

const foreignKeyViolation = 'P2003';

function asGone(error: unknown): never {
  const gone = error instanceof Prisma.PrismaClientKnownRequestError && error.code === foreignKeyViolation;
  throw gone ? new AppError('wrong-credentials', { cause: error }) : error;
}
