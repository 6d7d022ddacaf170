import { AppError } from '@warren/contracts';
import { networkOf, perMinute, problems, routes } from '@warren/service-kit';
import { userContract } from '@warren/user-contract';
import { normalizeEmail } from '../domain/email.js';
import { evenOverloaded } from '../operations/even-overloaded.js';
import { refresh } from '../operations/refresh.js';
import { signIn } from '../operations/sign-in.js';
import { readRefreshToken } from '../security/refresh-tokens.js';
import { tellWhenToRetry } from './limits.js';
import type { Parts } from './parts.js';
import { Credentials, RefreshRequest, SignedIn } from './schemas.js';
import { signedIn } from './signed-in.js';

/** Whoever has signed in refreshes again and again, many behind one address. */
const refreshesPerSignIn = 10;

export const signInRoutes = (parts: Parts) =>
  routes((http) => {
    tellWhenToRetry(http);

    http.post(
      '/sessions',
      {
        config: { auth: 'none', rateLimit: perMinute(parts.signInsPerMinute) },
        schema: {
          summary: 'Signs in; after five failures each further try has to wait',
          body: Credentials,
          response: {
            201: SignedIn,
            ...problems(userContract, 'wrong-credentials'),
          },
        },
      },
      async (request, reply) => {
        const { headers, cause } = request;
        const { email, password } = request.body;
        const address = request.clientAddress;
        const live = await signIn(parts, {
          email: normalizeEmail(email),
          password,
          client: { userAgent: headers['user-agent'], address },
          network: networkOf(address),
          cause,
        });
        return await reply.code(201).send(await signedIn(parts, live));
      },
    );

    http.post(
      '/sessions/refresh',
      {
        config: { auth: 'none', rateLimit: perMinute(refreshesPerSignIn * parts.signInsPerMinute) },
        schema: {
          summary: 'Takes a refresh token for its successor; repeated within 30 s it brings the same one',
          body: RefreshRequest,
          response: {
            200: SignedIn,
            ...problems(userContract, 'unauthenticated', 'token-expired', 'session-revoked'),
          },
        },
      },
      async ({ body, cause }) => {
        const claim = readRefreshToken(body.refreshToken);
        if (!claim) throw new AppError('unauthenticated');
        const refreshed = await parts.uow.run((tx) => refresh(tx, claim, parts), {
          ...evenOverloaded,
          cause,
        });
        if (!refreshed.ok) throw new AppError(refreshed.code);
        return await signedIn(parts, refreshed);
      },
    );
  });
