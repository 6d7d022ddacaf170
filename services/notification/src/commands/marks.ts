import { notificationContract } from '@warren/contracts';
import { command } from '@warren/service-kit';
import type { Caller, Marks } from '../inbox/marks.js';

type Context = Parameters<Parameters<typeof command>[2]>[1];

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

function callerOf({ principal, commandId, correlationId }: Context): Caller {
  return {
    userId: principal.userId,
    cause: { correlationId },
    ...(commandId !== undefined && { commandId }),
  };
}
