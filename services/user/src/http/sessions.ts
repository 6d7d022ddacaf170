import { AppError } from '@warren/contracts';
import { problems, routes } from '@warren/service-kit';
import { userContract } from '@warren/user-contract';
import { evenOverloaded } from '../operations/even-overloaded.js';
import { isAlive, listSessions } from '../store/sessions.js';
import { lockUser } from '../store/users.js';
import type { Parts } from './parts.js';
import { ById, ListQuery, Nothing, SessionList } from './schemas.js';

export const sessions = ({ uow, endSessions, now }: Parts) =>
  routes((http) => {
    http.get(
      '/sessions',
      {
        schema: {
          summary: 'Where the caller is signed in, newest first',
          querystring: ListQuery,
          response: { 200: SessionList },
        },
      },
      async ({ principal: { userId, sessionId }, query: { limit, cursor: before } }) => {
        const { value: found, asOf } = await uow.readAsOf(userId, (db) =>
          listSessions(db, userId, { now: now(), limit: limit + 1, before }),
        );
        const items = found.slice(0, limit).map(({ id, createdAt, rotatedAt, userAgent, address }) => ({
          id,
          createdAt: createdAt.toISOString(),
          lastUsedAt: rotatedAt.toISOString(),
          current: id === sessionId,
          userAgent,
          address,
        }));
        return { items, nextCursor: found.length > limit ? (items.at(-1)?.id ?? null) : null, asOf };
      },
    );

    http.delete(
      '/sessions/current',
      {
        schema: {
          summary: 'Signs out',
          response: { 204: Nothing },
        },
      },
      async ({ principal: { userId, sessionId }, cause }, reply) => {
        const which = { ids: [sessionId] };
        const ended = await uow.run(
          async (tx) => {
            await lockUser(tx, userId);
            return await endSessions(tx, { userId, which, reason: 'signed-out', now: now() });
          },
          { ...evenOverloaded, cause },
        );
        if (ended === 0) throw new AppError('session-revoked');
        return await reply.code(204).send(null);
      },
    );

    http.delete(
      '/sessions/:id',
      {
        schema: {
          summary: 'Ends one of the caller’s sessions',
          params: ById,
          response: {
            204: Nothing,
            ...problems(userContract, 'not-found'),
          },
        },
      },
      async ({ principal: { userId, sessionId }, params: { id }, cause }, reply) => {
        await uow.run(
          async (tx) => {
            await lockUser(tx, userId);
            const at = now();
            if (!(await isAlive(tx, userId, sessionId, at))) throw new AppError('session-revoked');
            const ended = await endSessions(tx, { userId, which: { ids: [id] }, reason: 'revoked', now: at });
            if (ended === 0) throw new AppError('not-found');
          },
          { ...evenOverloaded, cause },
        );
        return await reply.code(204).send(null);
      },
    );
  });
