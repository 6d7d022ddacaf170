import { Revocations } from '@warren/contracts';
import { routes } from '@warren/service-kit';
import type { Clock, Context } from '../context.js';
import { recentRevocations } from '../store/revocations.js';
import { RevocationsQuery } from './schemas.js';

export interface InternalRevocationsParts extends Pick<Context, 'client'> {
  now: Clock;
}

/** For other services that start, or may have missed an event. For the internal listener: it asks for no token. */
export const internalRevocations = ({ client, now }: InternalRevocationsParts) =>
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
      async ({ query: { since } }) =>
        await recentRevocations(client, now(), since === undefined ? undefined : new Date(since)),
    );
  });
