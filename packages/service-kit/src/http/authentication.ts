import { AppError } from '@warren/contracts';
import type { Principal, VerifyToken } from '@warren/realtime';
import type { FastifyInstance, FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import { networkOf } from './client-address.js';
import type { RequestLimit } from './request-limit.js';

const principals = new WeakMap<FastifyRequest, Principal>();

/** Adds `request.principal`. `requireTokens` and `requireRole` set it. */
export function usePrincipal(http: FastifyInstance): void {
  http.decorateRequest('principal', {
    getter(this: FastifyRequest): Principal {
      const principal = principals.get(this);
      if (!principal) throw new Error(`${this.method} ${this.url} needs no token, so it has no principal`);
      return principal;
    },
  });
}

/**
 * Makes every route of this instance require a bearer token, unless its `config.auth` is `none`. Requests without a valid
 * token count for their network in `limit`.
 */
export function requireTokens(http: FastifyInstance, verify: VerifyToken, limit: RequestLimit): void {
  http.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.config.auth === 'none') return;
    try {
      principals.set(request, await verify(bearerToken(request)));
    } catch (error) {
      if (error instanceof AppError && error.status === 401) limit.countUnauthenticated(request, reply);
      throw error;
    }
  });
}

/** A hook that requires a token with this role. Throws `forbidden` if the token lacks the role. */
export function requireRole(verify: VerifyToken, role: string): onRequestAsyncHookHandler {
  return async (request) => {
    const principal = await verify(bearerToken(request));
    if (!principal.roles.includes(role)) throw new AppError('forbidden');
    principals.set(request, principal);
  };
}

/** The id of the signed-in user; undefined if nobody is signed in. */
export function userIdOf(request: FastifyRequest): string | undefined {
  return principals.get(request)?.userId;
}

/** The key that a route's own limit counts under: the user, or the network if nobody is signed in. */
export function limitKeyOf(request: FastifyRequest): string {
  return userIdOf(request) ?? networkOf(request.clientAddress);
}

function bearerToken(request: FastifyRequest): string {
  const [scheme, token, ...rest] = request.headers.authorization?.split(' ') ?? [];
  if (scheme?.toLowerCase() !== 'bearer' || !token || rest.length > 0) throw new AppError('unauthenticated');
  return token;
}
