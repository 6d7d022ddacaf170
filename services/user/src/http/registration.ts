import { networkOf, perMinute, problems, routes } from '@warren/service-kit';
import { userContract } from '@warren/user-contract';
import { newEmail } from '../domain/email.js';
import { checkNewPassword } from '../domain/password.js';
import { checkProfile } from '../domain/profile.js';
import { register } from '../operations/register.js';
import { tellWhenToRetry } from './limits.js';
import type { Parts } from './parts.js';
import { Registration, SignedIn } from './schemas.js';
import { signedIn } from './signed-in.js';

export const registration = (parts: Parts) =>
  routes((http) => {
    tellWhenToRetry(http);
    http.post(
      '/users',
      {
        config: { auth: 'none', rateLimit: perMinute(parts.registrationsPerMinute) },
        schema: {
          summary: 'Registers; a mail asks for proof of the address',
          body: Registration,
          response: {
            201: SignedIn,
            ...problems(userContract, 'email-taken'),
          },
        },
      },
      async (request, reply) => {
        const { password, displayName, locale = 'en', timeZone = 'UTC' } = request.body;
        const email = newEmail(request.body.email);
        const profile = { displayName, locale, timeZone, ...checkProfile({ displayName, locale, timeZone }) };
        checkNewPassword(password, email, '/password');
        const live = await register(parts, {
          person: { email, ...profile },
          password,
          client: { userAgent: request.headers['user-agent'], address: request.clientAddress },
          network: networkOf(request.clientAddress),
          cause: request.cause,
        });
        return await reply.code(201).send(await signedIn(parts, live));
      },
    );
  });
