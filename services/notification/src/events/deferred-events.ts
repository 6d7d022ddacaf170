import { type Background, rounds } from '@warren/service-kit';
import type { EventHandler } from '@warren/unit-of-work';
import type { NotificationContext, NotificationTx } from '../context.js';
import {
  type DeferredEvent,
  dueDeferredEvents,
  giveUpDeferredEvents,
  takeDeferredEvent,
} from '../store/deferred-events.js';

const atOnce = 100;
/** As long as the inbox knows an event. */
const longestDays = 14;

type Dependencies = Pick<NotificationContext, 'client' | 'uow' | 'log'> & {
  handlers: readonly EventHandler<NotificationTx>[];
  pollMs: number;
};

/** Handles what was deferred, each in a transaction of its own, once everybody whom it is about is known. */
export function deferredEvents({ client, uow, log, handlers, pollMs }: Dependencies): Background {
  const types = handlers.map(({ type }) => type);

  async function round(): Promise<boolean> {
    await giveUpTheOld();
    const due = await dueDeferredEvents(client, types, atOnce);
    for (const each of due) if (each.ready) await handleOrKeep(each);
    return due.length === atOnce;
  }

  async function giveUpTheOld(): Promise<void> {
    for (const { id, type } of await giveUpDeferredEvents(client, longestDays, atOnce))
      log.error({ id, type }, 'a deferred event was given up: it could not be handled for too long');
  }

  async function handleOrKeep(deferred: DeferredEvent): Promise<void> {
    const { id, type } = deferred.event;
    try {
      await handle(deferred);
    } catch (error) {
      log.warn({ err: error, id, type }, 'a deferred event could not be handled, it is tried again');
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

  return rounds({ name: 'deferred-events', everyMs: pollMs, log, round });
}
