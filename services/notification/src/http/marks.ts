import { notificationContract } from '@warren/notification-contract';
import { perMinute, problems, routes } from '@warren/service-kit';

import type { Marks } from '../operations/marks.js';
import type { Mark, MarkAll } from '../store/marks.js';
import { callerOf } from './caller.js';
import { mostPerMinute } from './limits.js';
import { ById, CountsOnly, NotificationAndCounts } from './schemas.js';

const one: Readonly<Record<Mark, { path: string; summary: string }>> = {
  read: { path: 'mark-read', summary: 'Marks one as read, and so as seen' },
  unread: { path: 'mark-unread', summary: 'Marks one as unread' },
  archived: { path: 'archive', summary: 'Takes one out of the inbox' },
  unarchived: { path: 'unarchive', summary: 'Puts one back into the inbox' },
};

const all: Readonly<Record<MarkAll, string>> = {
  read: 'Marks all unread ones of the inbox as read',
  seen: 'Marks all of the inbox as seen',
};

/** The changing half of the inbox; the same marks as the commands. What is so already is answered as it is. */
export function markRoutes(marks: Marks) {
  const config = { rateLimit: perMinute(mostPerMinute.marks) };
  return routes((http) => {
    for (const [mark, { path, summary }] of Object.entries(one) as [Mark, (typeof one)[Mark]][]) {
      const response = { 200: NotificationAndCounts, ...problems(notificationContract, 'not-found') };
      http.post(
        `/notifications/:id/${path}`,
        { config, schema: { summary, params: ById, response } },
        (request) => marks.one(callerOf(request), mark, request.params.id),
      );
    }

    for (const [mark, summary] of Object.entries(all) as [MarkAll, string][]) {
      const response = { 200: CountsOnly };
      http.post(`/notifications/mark-all-${mark}`, { config, schema: { summary, response } }, (request) =>
        marks.all(callerOf(request), mark),
      );
    }
  });
}
