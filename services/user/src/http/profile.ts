import { AppError, User } from '@warren/contracts';
import { routes } from '@warren/service-kit';
import type { UnitOfWork } from '@warren/unit-of-work';
import { normalizeEmail } from '../domain/email.js';
import { checkProfile } from '../domain/profile.js';
import type { PrismaClient, UserDb } from '../store/database.js';
import { findByEmail, findUser, updateProfile } from '../store/users.js';
import { Found, Lookup, ProfileUpdate } from './schemas.js';

export interface ProfileParts {
  client: PrismaClient;
  uow: UnitOfWork<UserDb>;
}

export const profile = ({ client, uow }: ProfileParts) =>
  routes((http) => {
    http.get('/users/me', { schema: { response: { 200: User } } }, async ({ principal }) => {
      return await findUser(client, principal.userId);
    });

    http.patch(
      '/users/me',
      { schema: { body: ProfileUpdate, response: { 200: User } } },
      async ({ principal: { userId }, body, cause }) => {
        const change = checkProfile(body);
        return await uow.run((tx) => updateProfile(tx, userId, change), { users: [userId], cause });
      },
    );

    http.post(
      '/users/lookup',
      {
        config: { rateLimit: { max: 30, timeWindow: '1 minute' } },
        schema: { body: Lookup, response: { 200: Found } },
      },
      async ({ body }) => {
        const row = await findByEmail(client, normalizeEmail(body.email));
        if (!row) throw new AppError('not-found');
        return { id: row.id, displayName: row.displayName };
      },
    );
  });
