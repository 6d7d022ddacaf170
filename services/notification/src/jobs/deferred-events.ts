import { type Background, rounds } from '@warren/service-kit';
import type { NotificationContext } from '../context.js';

type Dependencies = Pick<NotificationContext, 'log'> & {
  handleDeferredEvents(): Promise<boolean>;
  everyMs: number;
};

/** Handles deferred events that are due. */
export function deferredEvents({ log, handleDeferredEvents, everyMs }: Dependencies): Background {
  return rounds({ name: 'deferred-events', everyMs, log, round: handleDeferredEvents });
}
