import { notificationContract } from '@warren/notification-contract';
import { command } from '@warren/service-kit';

import type { Marks } from '../operations/marks.js';
import { callerOf } from './caller.js';

export function markCommands(marks: Marks) {
  return [
    command(notificationContract, 'notification.mark-read', ({ id }, context) =>
      marks.one(callerOf(context), 'read', id),
    ),
    command(notificationContract, 'notification.mark-unread', ({ id }, context) =>
      marks.one(callerOf(context), 'unread', id),
    ),
    command(notificationContract, 'notification.archive', ({ id }, context) =>
      marks.one(callerOf(context), 'archived', id),
    ),
    command(notificationContract, 'notification.unarchive', ({ id }, context) =>
      marks.one(callerOf(context), 'unarchived', id),
    ),
    command(notificationContract, 'notification.mark-all-read', (_, context) =>
      marks.all(callerOf(context), 'read'),
    ),
    command(notificationContract, 'notification.mark-all-seen', (_, context) =>
      marks.all(callerOf(context), 'seen'),
    ),
  ];
}
