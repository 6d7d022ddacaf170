import type { Cause } from '@warren/unit-of-work';
import { userError } from '@warren/user-contract';
import type { Clock, UserUow } from '../context.js';
import { hashOf } from '../security/mailed-tokens.js';
import type { PrismaClient } from '../store/database.js';
import { lockUser, markEmailVerified } from '../store/users.js';
import { emailVerification } from './mail-tokens.js';

export interface VerifyEmailParts {
  client: PrismaClient;
  uow: UserUow;
  now: Clock;
}

/** Takes the mailed token as proof that its person reads the mail of their address. Throws `invalid-token`. */
export async function verifyEmail(
  { client, uow, now }: VerifyEmailParts,
  token: string,
  cause: Cause,
): Promise<void> {
  const { tokens } = emailVerification;
  const tokenHash = hashOf(token);
  const userId = await tokens.ownerOf(client, tokenHash, now());
  if (!userId) throw userError('invalid-token');
  await uow.run(
    async (tx) => {
      const user = await lockUser(tx, userId);
      if (!user || !(await tokens.use(tx, tokenHash, now()))) throw userError('invalid-token');
      if (!user.emailVerified) await markEmailVerified(tx, userId);
    },
    { users: [userId], cause },
  );
}
