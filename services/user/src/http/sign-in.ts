import { networkOf, perMinute, problems, routes } from '@warren/service-kit';
import { userContract } from '@warren/user-contract';
import { normalizeEmail } from '../domain/email.js';
import type { SignedIn as SignedInResult } from '../operations/issue-tokens.js';
import type { RefreshRequest } from '../operations/refresh.js';
import type { SignInRequest } from '../operations/sign-in.js';
import { addRetryAfter } from './rate-limits.js';
import { Credentials, RefreshToken, SignedIn } from './schemas.js';

interface Dependencies {
  signIn(request: SignInRequest): Promise<SignedInResult>;
  refresh(request: RefreshRequest): Promise<SignedInResult>;
  /** Sign-ins from one network. */
  signInsPerMinute: number;
}

/** Clients refresh far more often than they sign in, and many may share an address. */
const refreshesPerSignIn = 10;

export function signInRoutes({ signIn, refresh, signInsPerMinute }: Dependencies) {
  return routes((http) => {
    addRetryAfter(http);

    http.post(
      '/sessions',
      {
        config: { auth: 'none', rateLimit: perMinute(signInsPerMinute) },
        schema: {
          summary: 'Signs in. After five failures, each further attempt must wait',
          body: Credentials,
          response: { 201: SignedIn, ...problems(userContract, 'wrong-credentials') },
        },
      },
      async ({ body: { email, password }, headers, clientAddress, cause }, reply) => {
        const signedIn = await signIn({
          email: normalizeEmail(email),
          password,
          origin: { userAgent: headers['user-agent'], address: clientAddress },
          network: networkOf(clientAddress),
          cause,
        });
        return await reply.code(201).send(signedIn);
      },
    );

    http.post(
      '/sessions/refresh',
      {
        config: { auth: 'none', rateLimit: perMinute(refreshesPerSignIn * signInsPerMinute) },
        schema: {
          summary: 'Exchanges a refresh token for its successor. A repeat within 30 s returns the same one',
          body: RefreshToken,
          response: {
            200: SignedIn,
            ...problems(userContract, 'unauthenticated', 'token-expired', 'session-revoked'),
          },
        },
      },
      async ({ body: { refreshToken }, cause }) => await refresh({ refreshToken, cause }),
    );
  });
}
