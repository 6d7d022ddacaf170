import { AppError } from '@warren/contracts';
import { perMinute, problems, routes } from '@warren/service-kit';
import { User, userContract } from '@warren/user-contract';
import { normalizeEmail } from '../domain/email.js';
import { checkProfile } from '../domain/profile.js';
import { findByEmail, findUser, updateProfile } from '../store/users.js';
import type { Parts } from './parts.js';
import { Found, Lookup, ProfileUpdate } from './schemas.js';

export const profile = ({ client, uow }: Pick<Parts, 'client' | 'uow'>) =>
  routes((http) => {
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
          response: {
            200: User,
          },
        },
      },
      async ({ principal: { userId }, body, cause }) => {
        const change = checkProfile(body);
        return await uow.run((tx) => updateProfile(tx, userId, change), { users: [userId], cause });
      },
    );

    http.post(
      '/users/lookup',
      {
        config: { rateLimit: perMinute(30) },
        schema: {
          summary: 'Finds a person by their exact email, and whether that is proven to be theirs',
          body: Lookup,
          response: {
            200: Found,
            ...problems(userContract, 'not-found'),
          },
        },
      },
      async ({ body }) => {
        const row = await findByEmail(client, normalizeEmail(body.email));
        if (!row) throw new AppError('not-found');
        const { id, displayName, emailVerified } = row;
        return { id, displayName, emailVerified };
      },
    );
  });
