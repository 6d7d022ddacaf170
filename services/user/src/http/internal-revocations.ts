import { Revocations, revocationsPerPage } from '@warren/contracts';
import { routes } from '@warren/service-kit';
import type { Clock, Context } from '../context.js';
import { revocationPage } from '../store/revocation-pages.js';
import { recentRevocations } from '../store/revocations.js';
import { RevocationsQuery } from './schemas.js';

export interface InternalRevocationsParts extends Pick<Context, 'client' | 'config'> {
  now: Clock;
}

/**
 * For services that start, or may have missed an event: pages of all revocations in force, and from then on of those
 * since the last question. For the internal listener: it asks for no token.
 */
export const internalRevocations = ({ client, config, now }: InternalRevocationsParts) =>
  routes((http) => {
    http.get(
      '/internal/revocations',
      {
        config: { auth: 'none' },
        schema: {
          summary: 'Sessions that ended before their time and whose access tokens may still be about',
          querystring: RevocationsQuery,
          response: { 200: Revocations },
        },
      },
      async ({ query: { after, limit, since } }) =>
        after === undefined && limit === undefined
          ? await recentRevocations(client, now(), since === undefined ? undefined : new Date(since))
          : await revocationPage(client, now(), {
              after,
              limit: limit ?? revocationsPerPage,
              messaging: config.MESSAGING_SCHEMA,
            }),
    );
  });
