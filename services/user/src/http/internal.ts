import { Revocations, revocationsPerPage } from '@warren/contracts';
import { problems, routes } from '@warren/service-kit';
import { userContract } from '@warren/user-contract';
import type { Clock, UserContext } from '../context.js';
import type { SetRoles } from '../operations/set-roles.js';
import { recentRevocations, revocationPage } from '../queries/revocations.js';
import { ById, RevocationsQuery, Roles, UserRoles } from './schemas.js';

type Dependencies = Pick<UserContext, 'client' | 'config'> & { setRoles: SetRoles; now: Clock };

/** The routes of the internal listener. The kit requires the role `admin` under `/admin/`. */
export function internalRoutes({ client, config, setRoles, now }: Dependencies) {
  return routes((http) => {
    http.get(
      '/internal/revocations',
      {
        config: { auth: 'none' },
        schema: {
          summary: 'Sessions that ended early and whose access tokens may still be valid',
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

    http.put(
      '/admin/users/:id/roles',
      {
        schema: {
          summary: 'Sets a user’s roles. Their access tokens carry them from the next refresh on',
          params: ById,
          body: Roles,
          response: { 200: UserRoles, ...problems(userContract, 'not-found') },
        },
      },
      async ({ params: { id }, body: { roles } }) => {
        await setRoles(id, roles);
        return { id, roles };
      },
    );
  });
}
