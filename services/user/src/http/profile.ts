import { perMinute, problems, routes } from '@warren/service-kit';
import { User, userContract } from '@warren/user-contract';
import type { UserContext } from '../context.js';
import { normalizeEmail } from '../domain/email.js';
import type { UpdateProfileRequest } from '../operations/update-profile.js';
import { findUser, lookUpUser } from '../queries/users.js';
import { Found, Lookup, ProfileUpdate } from './schemas.js';

type Dependencies = Pick<UserContext, 'client'> & {
  updateProfile(request: UpdateProfileRequest): Promise<User>;
};

export function profileRoutes({ client, updateProfile }: Dependencies) {
  return routes((http) => {
    http.get(
      '/users/me',
      {
        schema: {
          summary: 'The caller',
          response: { 200: User },
        },
      },
      async ({ principal }) => await findUser(client, principal.userId),
    );

    http.patch(
      '/users/me',
      {
        config: { rateLimit: perMinute(30) },
        schema: {
          summary: 'Changes the caller’s profile',
          body: ProfileUpdate,
          response: { 200: User },
        },
      },
      async ({ principal: { userId }, body: change, cause }) =>
        await updateProfile({ userId, change, cause }),
    );

    http.post(
      '/users/lookup',
      {
        config: { rateLimit: perMinute(30) },
        schema: {
          summary: 'Finds a user by their exact email',
          body: Lookup,
          response: { 200: Found, ...problems(userContract, 'not-found') },
        },
      },
      async ({ body }) => await lookUpUser(client, normalizeEmail(body.email)),
    );
  });
}
