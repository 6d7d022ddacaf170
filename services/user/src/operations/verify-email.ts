import type { Cause } from '@warren/unit-of-work';
import { userError } from '@warren/user-contract';
import type { UserTx } from '../context.js';
import { emailVerification, hashOf } from '../domain/mailed-tokens.js';
import { ownerOfMailedToken, useMailedToken } from '../store/mailed-tokens.js';
import { lockUser, toUser, updateUser } from '../store/users.js';
import { announceUpdate } from './announce-user.js';
import type { OperationDependencies } from './dependencies.js';

export interface VerifyEmailRequest {
  token: string;
  cause: Cause;
}

/**
 * Verifies an address with the token that was mailed to it.
 *
 * @throws AppError `invalid-token`
 */
export function createVerifyEmail({
  client,
  uow,
  now,
}: OperationDependencies): (request: VerifyEmailRequest) => Promise<void> {
  return async ({ token, cause }) => {
    const tokenHash = hashOf(token);
    const userId = await ownerOfMailedToken(client, emailVerification, tokenHash, now());
    if (!userId) throw userError('invalid-token');
    await uow.run(
      async (tx) => {
        const user = await lockUser(tx, userId);
        if (!user || !(await useMailedToken(tx, emailVerification, tokenHash, now())))
          throw userError('invalid-token');
        if (!user.emailVerified) await markEmailVerified(tx, userId);
      },
      { users: [userId], cause },
    );
  };
}

/** Marks the user's address as verified, and announces it. The caller has locked the user. */
export async function markEmailVerified(tx: UserTx, userId: string): Promise<void> {
  announceUpdate(tx, toUser(await updateUser(tx, userId, { emailVerified: true })));
}
