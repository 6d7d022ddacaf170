import { notificationContract } from '@warren/contracts';
import type { CommandContext } from '@warren/realtime';
import { command } from '@warren/service-kit';
import type { Caller, Marks } from '../inbox/marks.js';

export function markCommands(marks: Marks) {
  return [
    command(notificationContract, 'notification.mark-read', ({ id }, context) =>
      marks.read(callerOf(context), id),
    ),
    command(notificationContract, 'notification.mark-all-read', (_, context) =>
      marks.allRead(callerOf(context)),
    ),
  ];
}

function callerOf({ principal, commandId, correlationId }: CommandContext): Caller {
  return {
    userId: principal.userId,
    cause: { correlationId },
    ...(commandId !== undefined && { commandId }),
  };
}
