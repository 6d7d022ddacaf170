import type { CommandContext } from '@warren/realtime';
import type { Caller } from '../operations/caller.js';

export function callerOf({ principal, commandId, correlationId }: CommandContext): Caller {
  return {
    userId: principal.userId,
    cause: { correlationId },
    ...(commandId !== undefined && { commandId }),
  };
}
