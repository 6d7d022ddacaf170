import { problems, routes } from '@warren/service-kit';
import { userContract } from '@warren/user-contract';
import type { Clock, UserContext } from '../context.js';
import type { EndSessionRequest } from '../operations/end-session.js';
import { listSessions } from '../queries/sessions.js';
import { ById, ListQuery, Nothing, SessionList } from './schemas.js';

type Dependencies = Pick<UserContext, 'uow'> & {
  endSession(request: EndSessionRequest): Promise<void>;
  now: Clock;
};

export function sessionRoutes({ uow, endSession, now }: Dependencies) {
  return routes((http) => {
    http.get(
      '/sessions',
      {
        schema: {
          summary: 'The caller’s active sessions, newest first',
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
        const own = { currentId: sessionId, endedId: sessionId };
        await endSession({ userId, ...own, reason: 'signed-out', cause });
        return await reply.code(204).send(null);
      },
    );

    http.delete(
      '/sessions/:id',
      {
        schema: {
          summary: 'Ends one of the caller’s sessions',
          params: ById,
          response: { 204: Nothing, ...problems(userContract, 'not-found') },
        },
      },
      async ({ principal: { userId, sessionId: currentId }, params: { id: endedId }, cause }, reply) => {
        await endSession({ userId, currentId, endedId, reason: 'revoked', cause });
        return await reply.code(204).send(null);
      },
    );
  });
}
