import { AppError } from '@warren/contracts';
import { routes } from '@warren/service-kit';
import type { UnitOfWork } from '@warren/unit-of-work';
import { Type } from 'typebox';
import type { Passwords } from '../security/passwords.js';
import type { PrismaClient, UserDb } from '../store/database.js';
import { deleteUser } from '../store/deletion.js';
import { Deletion } from './schemas.js';

export interface DeletionParts {
  client: PrismaClient;
  uow: UnitOfWork<UserDb>;
  passwords: Passwords;
}

export const deletion = ({ client, uow, passwords }: DeletionParts) =>
  routes((http) => {
    http.post(
      '/users/me/deletion',
      {
        config: { rateLimit: { max: 5, timeWindow: '1 minute' } },
        schema: { body: Deletion, response: { 204: Type.Null() } },
      },
      async ({ principal: { userId }, body, cause }, reply) => {
        const row = await client.user.findUnique({ where: { id: userId } });
        if (!row) throw new AppError('not-found');
        if (!(await passwords.matches(row.passwordHash, body.password)))
          throw new AppError('wrong-credentials');
        await uow.run((tx) => deleteUser(tx, userId), { users: [userId], cause });
        return await reply.code(204).send(null);
      },
    );
  });
