import { AppError } from '@warren/contracts';
import type { Principal, VerifyToken } from '@warren/realtime';
import type { FastifyInstance, FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import { networkOf } from './client-address.js';
import type { RequestLimit } from './request-limit.js';

const principals = new WeakMap<FastifyRequest, Principal>();

/** Makes `request.principal` readable everywhere; only `requireTokens` fills it. */
export function usePrincipal(http: FastifyInstance): void {
  http.decorateRequest('principal', {
    getter(this: FastifyRequest): Principal {
      const principal = principals.get(this);
      if (!principal) throw new Error(`${this.method} ${this.url} is open to anybody: there is no principal`);
      return principal;
    },
  });
}

/**
 * Every route of this instance asks for a bearer token, unless its `config.auth` is `none`. Requests without a good token
 * count for their network in `limit`.
 */
export function requireTokens(http: FastifyInstance, verify: VerifyToken, limit: RequestLimit): void {
  http.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.config.auth === 'none') return;
    try {
      principals.set(request, await verify(bearerToken(request)));
    } catch (error) {
      if (error instanceof AppError && error.status === 401) limit.countStranger(request, reply);
      throw error;
    }
  });
}

/** A hook that lets in only who has this role. Throws `forbidden` for others who signed in. */
export function requireRole(verify: VerifyToken, role: string): onRequestAsyncHookHandler {
  return async (request) => {
    const principal = await verify(bearerToken(request));
    if (!principal.roles.includes(role)) throw new AppError('forbidden');
    principals.set(request, principal);
  };
}

/** Who asks, for the log; undefined where nobody has signed in. */
export function userIdOf(request: FastifyRequest): string | undefined {
  return principals.get(request)?.userId;
}

/** Whom a limit counts for: the user, or the network where nobody has to sign in. */
export function callerOf(request: FastifyRequest): string {
  return userIdOf(request) ?? networkOf(request.clientAddress);
}

function bearerToken(request: FastifyRequest): string {
  const [scheme, token, ...rest] = request.headers.authorization?.split(' ') ?? [];
  if (scheme?.toLowerCase() !== 'bearer' || !token || rest.length > 0) throw new AppError('unauthenticated');
  return token;
}
