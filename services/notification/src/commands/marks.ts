import type { notificationContract } from '@warren/notification-contract';
import type { CommandContext } from '@warren/realtime';
import type { Commands } from '@warren/service-kit';
import type { Caller } from '../operations/caller.js';
import type { Marks } from '../operations/marks.js';

/** The marks of the inbox, from a socket. */
export function markCommands(marks: Marks): Commands<typeof notificationContract> {
  return {
    'notification.mark-read': ({ id }, context) => marks.one(commandCaller(context), 'read', id),
    'notification.mark-unread': ({ id }, context) => marks.one(commandCaller(context), 'unread', id),
    'notification.archive': ({ id }, context) => marks.one(commandCaller(context), 'archived', id),
    'notification.unarchive': ({ id }, context) => marks.one(commandCaller(context), 'unarchived', id),
    'notification.mark-all-read': (_, context) => marks.all(commandCaller(context), 'read'),
    'notification.mark-all-seen': (_, context) => marks.all(commandCaller(context), 'seen'),
  };
}

/** The person who sent the command. */
function commandCaller({ principal, commandId, correlationId }: CommandContext): Caller {
  return {
    userId: principal.userId,
    cause: { correlationId },
    ...(commandId !== undefined && { commandId }),
  };
}
