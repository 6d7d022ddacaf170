import { AppError } from '@warren/contracts';
import type { User } from '@warren/user-contract';
import type { UserDb } from '../store/database.js';
import { findByEmail, findById, toUser } from '../store/users.js';

/** @throws AppError `session-revoked` if the account was deleted */
export async function findUser(db: UserDb, id: string): Promise<User> {
  const row = await findById(db, id);
  if (!row) throw new AppError('session-revoked');
  return toUser(row);
}

/** What any user may see of another one. */
export type FoundUser = Pick<User, 'id' | 'displayName' | 'emailVerified'>;

/** @throws AppError `not-found` if no account has this address. `email` is normalized. */
export async function lookUpUser(db: UserDb, email: string): Promise<FoundUser> {
  const row = await findByEmail(db, email);
  if (!row) throw new AppError('not-found');
  const { id, displayName, emailVerified } = row;
  return { id, displayName, emailVerified };
}
