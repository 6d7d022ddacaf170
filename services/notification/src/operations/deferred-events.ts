import type { EventHandler } from '@warren/unit-of-work';
import type { NotificationContext, NotificationTx } from '../context.js';
import { UnknownPersonError } from '../domain/people.js';
import {
  type DeferredEvent,
  deferEvent,
  dueDeferredEvents,
  giveUpDeferredEvents,
  takeDeferredEvent,
} from '../store/deferred-events.js';

/**
 * The handler, with events deferred that need the copy of a person who is unknown, while the copies of users are still
 * being built: this may take longer than all retries of an event. Once they are complete, the copy of an unknown person
 * is on its way, and the retries are enough.
 *
 * The handler must not have written anything when it throws `UnknownPersonError`.
 */
export function deferring(handler: EventHandler<NotificationTx>): EventHandler<NotificationTx> {
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

/** Most events of one round. */
const batchSize = 100;
/** As long as the inbox remembers an event. */
const longestDays = 14;

type Dependencies = Pick<NotificationContext, 'client' | 'uow' | 'log'> & {
  /** The handlers whose events are deferred, without `deferring`. */
  handlers: readonly EventHandler<NotificationTx>[];
};

/**
 * Handles deferred events once there is a copy of everybody whom they are about, each event in a transaction of its
 * own. Gives up those that waited for 14 days. Resolves to whether more events may be due.
 */
export function createHandleDeferredEvents({
  client,
  uow,
  log,
  handlers,
}: Dependencies): () => Promise<boolean> {
  const types = handlers.map(({ type }) => type);

  async function giveUpOldEvents(): Promise<void> {
    for (const { id, type } of await giveUpDeferredEvents(client, longestDays, batchSize))
      log.error({ id, type }, 'a deferred event was given up: it could not be handled for too long');
  }

  async function handleOrKeep(deferred: DeferredEvent): Promise<void> {
    const { id, type } = deferred.event;
    try {
      await handle(deferred);
    } catch (error) {
      log.warn({ err: error, id, type }, 'a deferred event could not be handled; it will be tried again');
    }
  }

  async function handle({ event }: DeferredEvent): Promise<void> {
    const handler = handlers.find(({ type }) => type === event.type);
    const cause = { correlationId: event.correlationid, causationId: event.id };
    await uow.run(
      async (tx) => {
        if (await takeDeferredEvent(tx, event.id)) await handler?.handle(tx, event);
      },
      { users: handler?.users?.(event) ?? [], cause },
    );
  }

  return async () => {
    await giveUpOldEvents();
    const due = await dueDeferredEvents(client, types, batchSize);
    for (const each of due) if (each.ready) await handleOrKeep(each);
    return due.length === batchSize;
  };
}
