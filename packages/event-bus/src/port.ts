/**
 * The bus on which services publish domain events and consume each other's. There are two adapters, `memory` and
 * `rabbitmq`. One conformance suite tests both against this contract.
 *
 * - **At least once.** An event may be delivered again at any time, even after it was handled. Consumers keep an inbox.
 * - **No order.** Neither between types, nor within one, nor for one entity.
 * - **Competing instances.** All subscriptions of one service share its queue. Each event goes to one of them.
 * - **Limits.** At most `maxInFlight` events are unconfirmed; further calls of `publish` wait. A subscription holds at most
 *   `prefetch` deliveries.
 */
export interface EventBus {
  /**
   * Resolves when the event is safe: RabbitMQ has confirmed it or, in memory, every subscriber has committed it. Concurrent
   * calls are pipelined, so make many at once instead of awaiting each.
   *
   * Rejects with `PublishError`. Unless its kind is `refused`, the event may have been published anyway: publish it again.
   * A refused event does not stop other events from being published.
   */
  publish(event: EncodedEvent): Promise<PublishReceipt>;

  /**
   * Declares the service's queue, binds it to each type and starts consuming. Continues after reconnections.
   *
   * Rejects if an exchange or a queue exists with the wrong properties. The error tells what exists and what is needed.
   */
  subscribe(subscription: Subscription): Promise<Subscribed>;

  /** `degraded` while publishing or any subscription doesn't work. Recovers by itself. For readiness probes. */
  readonly state: BusState;

  /** The state of publishing alone: `degraded` while the broker is away or blocks publishers. */
  readonly publishing: BusState;

  /**
   * Messages refused because their publisher may not publish such events. They don't reach `handle`. Absent if
   * nobody else can publish.
   */
  readonly unauthorized?: number;

  /**
   * Why the broker has refused this process since it started, which only an operator can change. Undefined while the broker
   * is merely away, or if it refuses something that it permitted before. May name users and queues, so it is for logs.
   */
  readonly refused?: string | undefined;

  /** Stops consuming, waits for running handlers and for open confirms (at most 10 s each), and disconnects. */
  close(): Promise<void>;
}

export type BusState = 'up' | 'degraded';

/** An event as it is transported. Adapters read only these fields. */
export interface EncodedEvent {
  id: string;
  /** The routing key. */
  type: string;
  /** A CloudEvent in structured JSON. */
  body: string;
  /** The one service to send it to, whatever types its queue is bound to. For replays. */
  to?: string;
  /**
   * It was published before, with an unknown outcome. The memory bus, which forgets everything with its process, then marks
   * the delivery as `redelivered`. A broker knows by itself.
   */
  again?: boolean;
}

/** `unroutable`: no queue is bound to this type, and the bus has dropped the event. */
export type PublishReceipt = 'confirmed' | 'unroutable';

export type PublishErrorKind =
  /**
   * The bus does not accept this event: the broker refused it when it was sent alone or, in memory, a service gave it up.
   * Publishing it again is useless until somebody changes something.
   */
  | 'refused'
  /** The bus accepts nothing at the moment, or lost the connection before the confirm. */
  | 'unavailable'
  /** The confirm was late. */
  | 'timeout';

/** The broker's reason for closing a channel: an AMQP reply code, such as 403, and its reply text. */
export interface BrokerAnswer {
  code: number;
  text: string;
}

export class PublishError extends Error {
  override readonly name = 'PublishError';
  readonly kind: PublishErrorKind;
  /** Undefined if the broker gave no reason. */
  readonly answer: BrokerAnswer | undefined;

  constructor(
    kind: PublishErrorKind,
    message: string,
    { answer, ...options }: ErrorOptions & { answer?: BrokerAnswer | undefined } = {},
  ) {
    super(message, options);
    this.kind = kind;
    this.answer = answer;
  }
}

/** An active subscription. */
export interface Subscribed {
  /**
   * Stops consuming and waits for the batch that is being handled, at most 10 s. Other deliveries that were held go back to
   * the queue, which stays bound, so that other instances or the next start get them.
   */
  close(): Promise<void>;
}

export interface Subscription {
  /** Names the queue `warren.<service>.events`, which all instances share. */
  service: string;
  /** Event types, one binding each. */
  types: readonly string[];
  /** The deliveries that one call of `handle` gets at most. Default 50. */
  batchSize?: number;
  /** The deliveries that are held unacknowledged at most. Default 100. */
  prefetch?: number;

  /**
   * Handles a batch. Resolves to one verdict per delivery, in order. Only then are the deliveries acknowledged, delayed or
   * dead-lettered.
   *
   * Throwing means that the service's own infrastructure failed. No attempt is counted. The subscription pauses until
   * `probe` resolves, and then handles the same deliveries again.
   *
   * At most two calls run at the same time: one for new deliveries and one for those that were `busy`.
   */
  handle(batch: readonly Delivery[], options?: HandleOptions): Promise<readonly Verdict[]>;

  /** Resolves if the service can work again. Called with back-off after `handle` threw. */
  probe(): Promise<void>;

  /** Records that the service's queue or its bindings were lost. Used by a bus whose queues outlive its process. */
  watch?: QueueWatch;
}

/** A durable record, shared by all instances of a service, of whether its queue may have missed events. */
export interface QueueWatch {
  /** Starts a check of the queue and its bindings. */
  look(): Promise<QueueLook>;
}

/** Records the result of one check. It changes nothing if another instance has recorded a result since the check began. */
export interface QueueLook {
  /**
   * The queue or its bindings were missing. Awaited before they are created again. Events that were in the queue, or that
   * were published since the last check that found it whole, may be lost.
   */
  lost(): Promise<void>;
  /** The queue exists and is bound. */
  whole(): Promise<void>;
}

export interface HandleOptions {
  /**
   * The deliveries were `busy` before. The call should wait, for a limited time, for what the first of them needs. The
   * deliveries take turns to be the first.
   */
  patient?: boolean;
}

export interface Delivery {
  /** The event's id from its producer; empty if there is none. */
  id: string;
  type: string;
  body: string;
  /** 1 for the first attempt; grows by one with each `retry`. */
  attempt: number;
  /** The service that published it, verified by the broker. Absent if services don't have broker users of their own. */
  publisher?: string;
  /** The broker delivered it before and got no acknowledgement. That consumer may have crashed on it. */
  redelivered: boolean;
}

export type Verdict =
  | { kind: 'done' }
  /** A temporary failure: retried after the next of `retryDelays`, and dead-lettered as `retries-exhausted` after the last. */
  | { kind: 'retry'; error: Error }
  /** A permanent failure: dead-lettered at once. */
  | { kind: 'dead'; reason: DeadLetterReason; error: Error }
  /**
   * Others hold what it needs. It is retried in `patient` calls while new deliveries are handled. After half a minute, or
   * if too many deliveries are busy, it is delivered again after a retry delay. No attempt is counted.
   */
  | { kind: 'busy'; error: Error };

export type DeadLetterReason =
  | 'malformed'
  | 'schema'
  | 'permanent'
  | 'unhandled-type'
  | 'retries-exhausted'
  | 'crash-loop'
  /** The broker user that published it is unknown, or may not publish events of its type. */
  | 'unauthorized-publisher';

/** Milliseconds before attempt 2, 3, …: 1 s, 5 s, 30 s, 2 min, 10 min. */
export const defaultRetryDelays: readonly number[] = [1_000, 5_000, 30_000, 120_000, 600_000];
