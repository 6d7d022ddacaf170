import { type Static, Type } from 'typebox';
import { closed, Id, Time } from './shapes.js';

/**
 * How services ask for and announce replays. Both travel straight to one service's queue: the request from
 * `<consumer>.replay-requested` to the producer, the end as `<producer>.replay-completed` to the consumer. What is
 * sent between them carries the `replayid`.
 */
export const replayMessages = {
  'replay-requested': Type.Object(
    {
      replayId: Id,
      /** The types that the consumer keeps copies of; with `lostSince`, all types that it handles. */
      types: Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { minItems: 1, maxItems: 100 }),
      /**
       * The consumer's queue may have lost what was published since then. The producer sends it again as it was, without a
       * `replayid`, so that its effects happen too.
       */
      lostSince: Type.Optional(Time),
    },
    closed,
  ),
  'replay-completed': Type.Object(
    {
      replayId: Id,
      /** How many events were sent. */
      sent: Type.Integer({ minimum: 0 }),
      /** That of the request. Missing from an older producer, which doesn't know it and has sent copies only. */
      lostSince: Type.Optional(Time),
    },
    closed,
  ),
} as const;

export type ReplayMessage = keyof typeof replayMessages;
export type ReplayRequested = Static<(typeof replayMessages)['replay-requested']>;
export type ReplayCompleted = Static<(typeof replayMessages)['replay-completed']>;

/** Which of the two an event type is; `undefined` for domain events. */
export function replayMessageOf(type: string): ReplayMessage | undefined {
  const fact = type.slice(type.indexOf('.') + 1);
  return Object.hasOwn(replayMessages, fact) ? (fact as ReplayMessage) : undefined;
}

/** The service that an event type belongs to: `payment` for `payment.succeeded`. */
export function serviceOf(type: string): string {
  return type.slice(0, type.indexOf('.'));
}
