import { networkOf, problems, routes } from '@warren/service-kit';
import { userContract } from '@warren/user-contract';
import { deleteAccount } from '../operations/delete-account.js';
import { perMinuteOfNetwork, tellWhenToRetry } from './limits.js';
import type { Parts } from './parts.js';
import { Deletion, Nothing } from './schemas.js';

export const deletion = (parts: Parts) =>
  routes((http) => {
    tellWhenToRetry(http);
    http.post(
      '/users/me/deletion',
      {
        config: { rateLimit: perMinuteOfNetwork(parts.registrationsPerMinute) },
        schema: {
          summary: 'Deletes the account; everything personal is erased everywhere',
          body: Deletion,
          response: {
            204: Nothing,
            ...problems(userContract, 'wrong-credentials'),
          },
        },
      },
      async (request, reply) => {
        const { principal, body, cause } = request;
        const network = networkOf(request.clientAddress);
        await deleteAccount(parts, { userId: principal.userId, network, password: body.password, cause });
        return await reply.code(204).send(null);
      },
    );
  });
