import { problems, routes } from '@warren/service-kit';
import { userContract } from '@warren/user-contract';
import type { Context } from '../context.js';
import { setRoles } from '../store/users.js';
import { ById, PersonsRoles, Roles } from './schemas.js';

/** For the internal listener, behind its check for the role `admin`. */
export const admin = ({ client }: Pick<Context, 'client'>) =>
  routes((http) => {
    http.put(
      '/admin/users/:id/roles',
      {
        schema: {
          summary: 'Sets a person’s roles; their tokens carry them from the next refresh on',
          params: ById,
          body: Roles,
          response: { 200: PersonsRoles, ...problems(userContract, 'not-found') },
        },
      },
      async ({ params: { id }, body: { roles } }) => {
        await setRoles(client, id, roles);
        return { id, roles };
      },
    );
  });
