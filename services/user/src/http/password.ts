import { networkOf, perMinute, problems, routes } from '@warren/service-kit';
import { userContract } from '@warren/user-contract';
import { changePassword } from '../operations/change-password.js';
import { tellWhenToRetry } from './limits.js';
import type { Parts } from './parts.js';
import { Nothing, PasswordChange } from './schemas.js';

export const password = (parts: Parts) =>
  routes((http) => {
    tellWhenToRetry(http);
    http.put(
      '/users/me/password',
      {
        config: { rateLimit: perMinute(10) },
        schema: {
          summary: 'Sets a new password and ends all other sessions',
          body: PasswordChange,
          response: {
            204: Nothing,
            ...problems(userContract, 'wrong-credentials'),
          },
        },
      },
      async (request, reply) => {
        const { principal, body, cause } = request;
        const { userId, sessionId } = principal;
        const network = networkOf(request.clientAddress);
        await changePassword(parts, { userId, sessionId, network, ...body, cause });
        return await reply.code(204).send(null);
      },
    );
  });
