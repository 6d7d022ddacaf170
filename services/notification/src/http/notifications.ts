import { notificationContract } from '@warren/notification-contract';
import { perMinute, problems, routes } from '@warren/service-kit';
import type { NotificationContext } from '../context.js';
import type { Mark, MarkAll } from '../domain/inbox.js';
import type { Marks } from '../operations/marks.js';
import { countsOf, listNotifications } from '../queries/notifications.js';
import { mostPerMinute, requestCaller } from './callers.js';
import {
  ById,
  CountsAsOf,
  CountsOnly,
  ListQuery,
  NotificationAndCounts,
  NotificationList,
} from './schemas.js';

type Dependencies = Pick<NotificationContext, 'uow'> & { marks: Marks };

/** The inbox: lists, counts and marks. Marks are also commands. */
export function notificationRoutes({ uow, marks }: Dependencies) {
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
        // One more than asked for tells whether there is a next page.
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

    const config = { rateLimit: perMinute(mostPerMinute.marks) };
    for (const [mark, { path, summary }] of Object.entries(one) as [Mark, (typeof one)[Mark]][]) {
      const response = { 200: NotificationAndCounts, ...problems(notificationContract, 'not-found') };
      http.post(
        `/notifications/:id/${path}`,
        { config, schema: { summary, params: ById, response } },
        (request) => marks.one(requestCaller(request), mark, request.params.id),
      );
    }
    for (const [mark, summary] of Object.entries(all) as [MarkAll, string][]) {
      const response = { 200: CountsOnly };
      http.post(`/notifications/mark-all-${mark}`, { config, schema: { summary, response } }, (request) =>
        marks.all(requestCaller(request), mark),
      );
    }
  });
}

const one: Readonly<Record<Mark, { path: string; summary: string }>> = {
  read: { path: 'mark-read', summary: 'Marks a notification as read and seen' },
  unread: { path: 'mark-unread', summary: 'Marks a notification as unread' },
  archived: { path: 'archive', summary: 'Takes a notification out of the inbox' },
  unarchived: { path: 'unarchive', summary: 'Puts a notification back into the inbox' },
};

const all: Readonly<Record<MarkAll, string>> = {
  read: 'Marks all notifications of the inbox as read and seen',
  seen: 'Marks all notifications of the inbox as seen',
};
