import { routes } from '@warren/service-kit';
import type { AccessTokens } from '../security/access-tokens.js';

/** The public keys with which every service checks access tokens (RFC 7517). */
export const keys = (tokens: AccessTokens) =>
  routes((http) => {
    http.get('/.well-known/jwks.json', { config: { auth: 'none' } }, async (_request, reply) => {
      return await reply.header('cache-control', 'public, max-age=300').send(tokens.jwks);
    });
  });
