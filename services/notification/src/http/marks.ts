import { routes } from '@warren/service-kit';
import type { FastifyRequest } from 'fastify';
import type { Caller, Marks } from '../inbox/marks.js';
import { ById, CountsOnly, NotificationAndCounts } from './schemas.js';

/** The changing half of the inbox; the same marks as the commands. */
export function markRoutes(marks: Marks) {
  return routes((http) => {
    http.post(
      '/notifications/:id/mark-read',
      { schema: { summary: 'Marks one as read', params: ById, response: { 200: NotificationAndCounts } } },
      (request) => marks.read(callerOf(request), request.params.id),
    );

    http.post(
      '/notifications/mark-all-read',
      { schema: { summary: 'Marks all unread ones as read', response: { 200: CountsOnly } } },
      (request) => marks.allRead(callerOf(request)),
    );
  });
}

function callerOf({ principal, cause }: Pick<FastifyRequest, 'principal' | 'cause'>): Caller {
  return { userId: principal.userId, cause };
}
