import { AppError } from '@warren/contracts';
import { type User, userError } from '@warren/user-contract';
import { v7 } from 'uuid';
import type { ProfileChange } from '../domain/profile.js';
import { Prisma, type User as UserRow } from '../generated/prisma/client.js';
import type { UserDb } from './database.js';

export interface NewUser {
  email: string;
  passwordHash: string;
  displayName: string;
  locale: string;
  timeZone: string;
}

/** @throws AppError `email-taken`, also if two registrations come at the same moment */
export async function insertUser(db: UserDb, fields: NewUser): Promise<UserRow> {
  return await db.user.create({ data: { id: v7(), ...fields } }).catch(asEmailTaken);
}

/**
 * The user's row, locked until the transaction ends. Every transaction that opens or ends sessions of a user, or saves
 * something for them, locks it first. So none of them overtakes a deletion or a new password.
 */
export async function lockUser(db: UserDb, id: string): Promise<UserRow | null> {
  await db.$queryRawUnsafe('SELECT 1 FROM users WHERE id = $1::uuid FOR UPDATE', id);
  return await findById(db, id);
}

export async function findById(db: UserDb, id: string): Promise<UserRow | null> {
  return await db.user.findUnique({ where: { id } });
}

export async function findByEmail(db: UserDb, email: string): Promise<UserRow | null> {
  return await db.user.findUnique({ where: { email } });
}

/** Changes what other services and browsers see of a user, and increments the version. */
export async function updateUser(
  db: UserDb,
  id: string,
  change: ProfileChange & { emailVerified?: true },
): Promise<UserRow> {
  return await db.user.update({ where: { id }, data: { ...change, version: { increment: 1 } } });
}

/** `byMail`: the password was set with a token that was mailed to the account's address. */
export async function setPassword(
  db: UserDb,
  id: string,
  passwordHash: string,
  { byMail }: { byMail?: true } = {},
): Promise<void> {
  const data = { passwordHash, ...(byMail && { passwordByMail: true }) };
  await db.user.update({ where: { id }, data });
}

/** The version stays, since only tokens show the roles. @throws AppError `not-found` */
export async function setRoles(db: UserDb, id: string, roles: readonly string[]): Promise<void> {
  const { count } = await db.user.updateMany({ where: { id }, data: { roles: [...roles] } });
  if (count === 0) throw new AppError('not-found');
}

/** Replaces the user by a tombstone. */
export async function deleteUser(db: UserDb, tombstone: { id: string; version: number }): Promise<void> {
  await db.user.delete({ where: { id: tombstone.id } });
  await db.deletedUser.create({ data: tombstone });
}

/** The user as their own browser sees them. */
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
