import { routes } from '@warren/service-kit';
import { Type } from 'typebox';
import { publicKeysMaxAge } from '../domain/key-schedule.js';
import type { KeyRing } from '../security/key-ring.js';

const PublicKeys = Type.Object({ keys: Type.Array(Type.Record(Type.String(), Type.Unknown())) });

/** The public keys with which every service checks access tokens (RFC 7517). */
export const keys = (ring: KeyRing) =>
  routes((http) => {
    http.get(
      '/.well-known/jwks.json',
      {
        config: { auth: 'none', unlimited: true },
        schema: {
          summary: 'Public keys of access tokens, those of soon among them',
          response: { 200: PublicKeys },
        },
      },
      async (_request, reply) => {
        const { keys } = ring.jwks;
        reply.header('cache-control', `public, max-age=${publicKeysMaxAge}`);
        return await reply.send({ keys: keys.map((key) => ({ ...key })) });
      },
    );
  });
