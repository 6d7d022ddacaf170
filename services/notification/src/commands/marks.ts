import type { notificationContract } from '@warren/notification-contract';
import type { Commands } from '@warren/service-kit';
import type { Marks } from '../operations/marks.js';
import { callerOf } from './caller.js';

export function markCommands(marks: Marks): Commands<typeof notificationContract> {
  return {
    'notification.mark-read': ({ id }, context) => marks.one(callerOf(context), 'read', id),
    'notification.mark-unread': ({ id }, context) => marks.one(callerOf(context), 'unread', id),
    'notification.archive': ({ id }, context) => marks.one(callerOf(context), 'archived', id),
    'notification.unarchive': ({ id }, context) => marks.one(callerOf(context), 'unarchived', id),
    'notification.mark-all-read': (_, context) => marks.all(callerOf(context), 'read'),
    'notification.mark-all-seen': (_, context) => marks.all(callerOf(context), 'seen'),
  };
}
