import { AppError } from '@warren/contracts';
import { type User, userError } from '@warren/user-contract';
import { v7 } from 'uuid';
import type { UserTx } from '../context.js';
import { differences, type ProfileChange } from '../domain/profile.js';
import { Prisma, type User as UserRow } from '../generated/prisma/client.js';
import type { UserDb } from './database.js';

export interface NewUser {
  email: string;
  passwordHash: string;
  displayName: string;
  locale: string;
  timeZone: string;
}

/** Registers and tells everybody. Throws `email-taken`, also when two come at the same moment. */
export async function insertUser(tx: UserTx, fields: NewUser): Promise<UserRow> {
  const row = await tx.user.create({ data: { id: v7(), ...fields } }).catch(asEmailTaken);
  const { id, version } = row;
  tx.publish({ type: 'user.registered', subject: id, version, data: toUser(row), about: id });
  return row;
}

/**
 * Changes the profile and tells everybody, the user's own browsers included; nobody where all of it is so already.
 * Throws `session-revoked` if they are gone.
 */
export async function updateProfile(tx: UserTx, id: string, change: ProfileChange): Promise<User> {
  const current = await lockUser(tx, id);
  if (!current) throw new AppError('session-revoked');
  const data = differences(current, change);
  if (Object.keys(data).length === 0) return toUser(current);
  const user = toUser(await tx.user.update({ where: { id }, data: { ...data, version: { increment: 1 } } }));
  announceUpdate(tx, user);
  return user;
}

/**
 * The person's row, held until the transaction ends: everything that opens or ends sessions, or keeps something for a
 * person, holds it first, so that none of it passes a deletion or a new password.
 */
export async function lockUser(tx: UserTx, id: string): Promise<UserRow | null> {
  await tx.$queryRawUnsafe('SELECT 1 FROM users WHERE id = $1::uuid FOR UPDATE', id);
  return await tx.user.findUnique({ where: { id } });
}

/** Says that the address is the person's own, and tells everybody, their own browsers included. */
export async function markEmailVerified(tx: UserTx, id: string): Promise<void> {
  const row = await tx.user.update({
    where: { id },
    data: { emailVerified: true, version: { increment: 1 } },
  });
  announceUpdate(tx, toUser(row));
}

export async function setPassword(tx: UserTx, id: string, passwordHash: string): Promise<void> {
  await tx.user.update({ where: { id }, data: { passwordHash } });
}

/** For who has shown that they read the mail of the account's address. */
export async function setPasswordByMail(tx: UserTx, id: string, passwordHash: string): Promise<void> {
  await tx.user.update({ where: { id }, data: { passwordHash, passwordByMail: true } });
}

/** Roles show nowhere but in tokens, so the version stays. Throws `not-found`. */
export async function setRoles(db: UserDb, id: string, roles: readonly string[]): Promise<void> {
  const { count } = await db.user.updateMany({ where: { id }, data: { roles: [...roles] } });
  if (count === 0) throw new AppError('not-found');
}

function announceUpdate(tx: UserTx, user: User): void {
  const { id, version } = user;
  tx.publish({ type: 'user.updated', subject: id, version, data: user, about: id });
  tx.feed(id, { type: 'user.updated', data: user });
}

export async function findUser(db: UserDb, id: string): Promise<User> {
  const row = await db.user.findUnique({ where: { id } });
  if (!row) throw new AppError('session-revoked');
  return toUser(row);
}

export async function findByEmail(db: UserDb, email: string): Promise<UserRow | null> {
  return await db.user.findUnique({ where: { email } });
}

/** The person as their own browser sees them. */
export function toUser(row: UserRow): User {
  const { id, email, emailVerified, displayName, locale, timeZone, version, createdAt } = row;
  return {
    id,
    email,
    emailVerified,
    displayName,
    locale,
    timeZone,
    version,
    createdAt: createdAt.toISOString(),
  };
}

const uniqueViolation = 'P2002';

function asEmailTaken(error: unknown): never {
  const taken = error instanceof Prisma.PrismaClientKnownRequestError && error.code === uniqueViolation;
  throw taken ? userError('email-taken', { cause: error }) : error;
}
