import { networkOf, perMinute, problems, routes } from '@warren/service-kit';
import { userContract } from '@warren/user-contract';
import type { SignedIn as SignedInResult } from '../operations/issue-tokens.js';
import type { RegisterRequest } from '../operations/register.js';
import { addRetryAfter } from './rate-limits.js';
import { Registration, SignedIn } from './schemas.js';

interface Dependencies {
  register(request: RegisterRequest): Promise<SignedInResult>;
  registrationsPerMinute: number;
}

export function registrationRoutes({ register, registrationsPerMinute }: Dependencies) {
  return routes((http) => {
    addRetryAfter(http);
    http.post(
      '/users',
      {
        config: { auth: 'none', rateLimit: perMinute(registrationsPerMinute) },
        schema: {
          summary: 'Registers a user, and mails a token that verifies the address',
          body: Registration,
          response: { 201: SignedIn, ...problems(userContract, 'email-taken') },
        },
      },
      async ({ body, headers, clientAddress, cause }, reply) => {
        const { email, password, displayName, locale = 'en', timeZone = 'UTC' } = body;
        const signedIn = await register({
          email,
          password,
          profile: { displayName, locale, timeZone },
          origin: { userAgent: headers['user-agent'], address: clientAddress },
          network: networkOf(clientAddress),
          cause,
        });
        return await reply.code(201).send(signedIn);
      },
    );
  });
}
