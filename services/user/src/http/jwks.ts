import { routes } from '@warren/service-kit';
import type { JSONWebKeySet } from 'jose';
import { Type } from 'typebox';
import { publicKeysMaxAgeSeconds } from '../domain/key-schedule.js';

const PublicKeys = Type.Object({ keys: Type.Array(Type.Record(Type.String(), Type.Unknown())) });

interface Dependencies {
  /** The public keys with which every service verifies access tokens (RFC 7517). */
  publicKeys(): JSONWebKeySet;
}

export function jwksRoutes({ publicKeys }: Dependencies) {
  return routes((http) => {
    http.get(
      '/.well-known/jwks.json',
      {
        config: { auth: 'none', unlimited: true },
        schema: {
          summary: 'Public keys of access tokens, including those that will sign soon',
          response: { 200: PublicKeys },
        },
      },
      async (_request, reply) => {
        reply.header('cache-control', `public, max-age=${publicKeysMaxAgeSeconds}`);
        return await reply.send({ keys: publicKeys().keys.map((key) => ({ ...key })) });
      },
    );
  });
}
