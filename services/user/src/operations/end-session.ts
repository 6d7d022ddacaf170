import { AppError } from '@warren/contracts';
import type { Cause } from '@warren/unit-of-work';
import { isActive } from '../store/sessions.js';
import { lockUser } from '../store/users.js';
import type { OperationDependencies } from './dependencies.js';
import { alwaysAdmitted, endSessions } from './sessions.js';

export interface EndSessionRequest {
  userId: string;
  /** The caller's own session. */
  currentId: string;
  /** The session to end. */
  endedId: string;
  reason: 'signed-out' | 'revoked';
  cause: Cause;
}

/**
 * Ends a session of the caller: their own or another one.
 *
 * @throws AppError `session-revoked` if the caller's own session has ended, `not-found`
 */
export function createEndSession({
  uow,
  lifetimes,
  now,
}: OperationDependencies): (request: EndSessionRequest) => Promise<void> {
  return ({ userId, currentId, endedId, reason, cause }) =>
    uow.run(
      async (tx) => {
        await lockUser(tx, userId);
        const at = now();
        if (!(await isActive(tx, userId, currentId, at))) throw new AppError('session-revoked');
        const ended = await endSessions(tx, { userId, which: { ids: [endedId] }, reason, at, lifetimes });
        if (ended === 0) throw new AppError('not-found');
      },
      { ...alwaysAdmitted, cause },
    );
}
