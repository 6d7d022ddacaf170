import { networkOf, perMinute, problems, routes } from '@warren/service-kit';
import { userContract } from '@warren/user-contract';
import type { ChangePasswordRequest } from '../operations/change-password.js';
import type { DeleteAccountRequest } from '../operations/delete-account.js';
import { addRetryAfter, perMinuteOfNetwork } from './rate-limits.js';
import { Deletion, Nothing, PasswordChange } from './schemas.js';

interface Dependencies {
  changePassword(request: ChangePasswordRequest): Promise<void>;
  deleteAccount(request: DeleteAccountRequest): Promise<void>;
  /** Deletions from one network. */
  deletionsPerMinute: number;
}

/** What users do to their own account with their current password. */
export function accountRoutes({ changePassword, deleteAccount, deletionsPerMinute }: Dependencies) {
  return routes((http) => {
    addRetryAfter(http);

    http.put(
      '/users/me/password',
      {
        config: { rateLimit: perMinute(10) },
        schema: {
          summary: 'Sets a new password and ends all other sessions',
          body: PasswordChange,
          response: { 204: Nothing, ...problems(userContract, 'wrong-credentials') },
        },
      },
      async ({ principal: { userId, sessionId }, clientAddress, body, cause }, reply) => {
        await changePassword({ userId, sessionId, network: networkOf(clientAddress), ...body, cause });
        return await reply.code(204).send(null);
      },
    );

    http.post(
      '/users/me/deletion',
      {
        config: { rateLimit: perMinuteOfNetwork(deletionsPerMinute) },
        schema: {
          summary: 'Deletes the account. All services erase its personal data',
          body: Deletion,
          response: { 204: Nothing, ...problems(userContract, 'wrong-credentials') },
        },
      },
      async ({ principal: { userId }, clientAddress, body: { password }, cause }, reply) => {
        await deleteAccount({ userId, network: networkOf(clientAddress), password, cause });
        return await reply.code(204).send(null);
      },
    );
  });
}
