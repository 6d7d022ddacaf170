import type { MailedTokenKind } from '../domain/mailed-tokens.js';
import type { UserDb } from './database.js';

export interface StoredToken {
  userId: string;
  tokenHash: string;
  expiresAt: Date;
}

/** Replaces the user's previous token of this kind. The caller has locked the user. */
export async function saveMailedToken(
  db: UserDb,
  kind: MailedTokenKind,
  { userId, ...token }: StoredToken,
): Promise<void> {
  await tableOf(db, kind).upsert({ where: { userId }, create: { userId, ...token }, update: token });
}

/** The id of the user whose valid token this is. */
export async function ownerOfMailedToken(
  db: UserDb,
  kind: MailedTokenKind,
  tokenHash: string,
  now: Date,
): Promise<string | undefined> {
  return (await tableOf(db, kind).findFirst(valid(tokenHash, now)))?.userId;
}

/** Deletes the token. Resolves to whether it was still valid. */
export async function useMailedToken(
  db: UserDb,
  kind: MailedTokenKind,
  tokenHash: string,
  now: Date,
): Promise<boolean> {
  return (await tableOf(db, kind).deleteMany(valid(tokenHash, now))).count > 0;
}

/** Deletes the user's token of this kind, if there is one. */
export async function withdrawMailedToken(db: UserDb, kind: MailedTokenKind, userId: string): Promise<void> {
  await tableOf(db, kind).deleteMany({ where: { userId } });
}

interface ValidToken {
  where: { tokenHash: string; expiresAt: { gt: Date } };
}

/** The operations that the tables of both kinds share. */
interface TokenTable {
  upsert(row: {
    where: { userId: string };
    create: StoredToken;
    update: Omit<StoredToken, 'userId'>;
  }): Promise<unknown>;
  findFirst(token: ValidToken): Promise<{ userId: string } | null>;
  deleteMany(tokens: {
    where: { userId?: string; tokenHash?: string; expiresAt?: { gt: Date } };
  }): Promise<{ count: number }>;
}

function tableOf(db: UserDb, { name }: MailedTokenKind): TokenTable {
  return name === 'password-reset' ? db.passwordReset : db.emailVerification;
}

function valid(tokenHash: string, now: Date): ValidToken {
  return { where: { tokenHash, expiresAt: { gt: now } } };
}
