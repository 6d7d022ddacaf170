import { routes } from '@warren/service-kit';
import type { NotificationUow } from '../context.js';
import { countsOf, listNotifications } from '../store/notifications.js';
import { CountsAsOf, ListQuery, NotificationList } from './schemas.js';

/** The reading half of the inbox. */
export function notificationRoutes(uow: NotificationUow) {
  return routes((http) => {
    http.get(
      '/notifications',
      {
        schema: {
          summary: 'The inbox, newest first',
          querystring: ListQuery,
          response: { 200: NotificationList },
        },
      },
      async (request) => {
        const { userId } = request.principal;
        const { state, limit, cursor: before } = request.query;
        const page = { state, limit: limit + 1, ...(before !== undefined && { before }) };
        const { value: found, asOf } = await uow.readAsOf(userId, (db) =>
          listNotifications(db, userId, page),
        );
        const items = found.slice(0, limit);
        return { items, nextCursor: found.length > limit ? (items.at(-1)?.id ?? null) : null, asOf };
      },
    );

    http.get(
      '/notifications/counts',
      {
        schema: { summary: 'How many are unread and unseen', response: { 200: CountsAsOf } },
      },
      async (request) => {
        const { userId } = request.principal;
        const { value: counts, asOf } = await uow.readAsOf(userId, (db) => countsOf(db, userId));
        return { ...counts, asOf };
      },
    );
  });
}
