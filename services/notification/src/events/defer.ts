import type { EventHandler } from '@warren/unit-of-work';
import type { NotificationTx } from '../context.js';
import { UnknownPersonError } from '../domain/people.js';
import { deferEvent } from '../store/deferred-events.js';

/**
 * While the copy of users is still being built, which may take longer than all the retries of an event, one that tells
 * of unknown people is kept and handled when they are known. Afterwards whoever is unknown is on their way, and the
 * retries are enough.
 *
 * The handler must not have written anything when it throws `UnknownPersonError`.
 */
export function deferred(handler: EventHandler<NotificationTx>): EventHandler<NotificationTx> {
  return {
    ...handler,
    async handle(tx, event) {
      try {
        await handler.handle(tx, event);
      } catch (error) {
        if (!(error instanceof UnknownPersonError) || (await tx.hasCopyOf('user'))) throw error;
        await deferEvent(tx, event, handler.users?.(event) ?? []);
      }
    },
  };
}
