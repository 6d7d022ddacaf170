/**
 * How services tell each other what happened. Two adapters keep this contract, `memory` and `rabbitmq`, and
 * one conformance suite holds both to it.
 *
 * - **At least once.** A delivery may come again at any time, also after it was handled; consumers keep an inbox.
 * - **No order.** Not between types, not within one, not for one entity.
 * - **Competing instances.** All subscriptions of one service share its queue; each event goes to one of them.
 * - **Bounded.** `publish` holds at most `maxInFlight` unconfirmed events and makes callers wait beyond that;
 *   a subscription holds at most `prefetch` deliveries.
 */
export interface EventBus {
  /**
   * Resolves once the event is safe: RabbitMQ has confirmed it; the memory adapter's every subscriber has
   * committed it. Many calls at once are pipelined; never await one at a time.
   *
   * Rejects with `PublishError`. Unless its kind is `refused`, the event may have arrived all the same: publish it
   * again. An event that is refused keeps no other event from being published.
   */
  publish(event: EncodedEvent): Promise<PublishReceipt>;

  /**
   * Declares the service's queue, binds it to each type, and starts taking. Survives reconnections.
   *
   * Rejects where an exchange or a queue exists that isn't what it must be; the error names both.
   */
  subscribe(subscription: Subscription): Promise<Subscribed>;

  /**
   * Every listening instance hears each event of these types: at most once, and only while it is connected. For what
   * each process must know for itself, as soon as can be, and can also ask for. Survives reconnections.
   */
  listen(listener: Listener): Promise<Subscribed>;

  /** `degraded` while publishing, or any subscription, doesn't work; both come back by themselves. For readiness. */
  readonly state: BusState;

  /** Publishing alone: `degraded` while the broker is away or blocks publishers, whatever becomes of subscriptions. */
  readonly publishing: BusState;

  /**
   * Messages refused since their publisher may not publish such events; they don't reach `handle` or `heard`. Absent
   * where nobody else publishes.
   */
  readonly unauthorized?: number;

  /**
   * Why this process will neither publish nor consume until an operator changes something: the broker has refused
   * since it began. Undefined while the broker is merely away, and where it refuses what it once granted. May name
   * users and queues, so it is for logs.
   */
  readonly refused?: string | undefined;

  /** Stops taking, waits for what is being handled and for open confirms (at most 10 s each), disconnects. */
  close(): Promise<void>;
}

export type BusState = 'up' | 'degraded';

/** An event as it travels: the adapters move bytes and look at nothing but these fields. */
export interface EncodedEvent {
  id: string;
  /** The routing key. */
  type: string;
  /** A CloudEvent in structured JSON. */
  body: string;
  /** Straight to this service's queue and to no other, whatever types that is bound to: for replays. */
  to?: string;
  /**
   * It was given to a bus before, and what became of that isn't known. For a bus that forgets everything with its
   * process: consumers then see `redelivered`. A broker knows by itself.
   */
  again?: boolean;
}

/** `unroutable`: no queue takes this type at the moment, and the bus has kept nothing. */
export type PublishReceipt = 'confirmed' | 'unroutable';

export type PublishErrorKind =
  /**
   * The bus won't take this very event: the broker refused it when it was sent alone, or one of the memory adapter's
   * services gave it up. Publishing it again has no sense before somebody has changed something.
   */
  | 'refused'
  /** The bus takes nothing for now, or lost the connection before it confirmed. */
  | 'unavailable'
  /** No confirm came in time. */
  | 'timeout';

/** The words of a broker that closed a channel: an AMQP reply code, such as 403, and its reply text. */
export interface BrokerAnswer {
  code: number;
  text: string;
}

export class PublishError extends Error {
  override readonly name = 'PublishError';
  readonly kind: PublishErrorKind;
  /** Missing where the broker said nothing. */
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

/** A subscription that takes. */
export interface Subscribed {
  /**
   * Takes nothing more and waits for the batch in hand, at most 10 s. What was held beyond that goes back to the
   * queue, which stays bound: other instances, or the next start, get it.
   */
  close(): Promise<void>;
}

export interface Subscription {
  /** Names the queue `warren.<service>.events`, which all instances share. */
  service: string;
  /** Event types, one binding each. */
  types: readonly string[];
  /** Most deliveries one call of `handle` gets. Default 50. */
  batchSize?: number;
  /** Most deliveries held unacknowledged. Default 100. */
  prefetch?: number;

  /**
   * Handles what has arrived. Answers one verdict per delivery, in order; a delivery is acknowledged, delayed
   * or dead-lettered only after this resolves.
   *
   * A throw means that the service's own infrastructure failed: no attempt is counted, the subscription stops
   * taking, waits until `probe` resolves, and takes the same deliveries again.
   *
   * At most two calls run at the same time: one for new deliveries, and one for those that were `busy`.
   */
  handle(batch: readonly Delivery[], options?: HandleOptions): Promise<readonly Verdict[]>;

  /** Resolves when the service can work again. Called with back-off after `handle` threw. */
  probe(): Promise<void>;

  /** Notes losses of the service's queue and its bindings. For a bus whose queues outlive its process. */
  watch?: QueueWatch;
}

/** Where a service notes, for all its instances and past its own end, whether its queue could get everything. */
export interface QueueWatch {
  /** Begins a look at the queue and its bindings. */
  look(): Promise<QueueLook>;
}

/** What one look finds. It changes nothing where another instance has noted something since the look began. */
export interface QueueLook {
  /**
   * The queue or its bindings were missing. Awaited before they are made: what lay in the queue, and what was
   * published since the last look that found it whole, may never have come.
   */
  lost(): Promise<void>;
  /** The queue is there and bound. */
  whole(): Promise<void>;
}

export interface HandleOptions {
  /**
   * The deliveries were `busy` before. The call waits for what the first of them needs, for a bounded time; each of
   * them becomes the first in its turn.
   */
  patient?: boolean;
}

export interface Listener {
  /** Names the queues `warren.<service>.listening.<uuid>`, one an instance. */
  service: string;
  types: readonly string[];
  /** Must not block. What it throws is logged. */
  heard(event: Pick<EncodedEvent, 'type' | 'body'>): void;
  /** Listening has begun, or begun anew: what came before was perhaps not heard, and is to be asked for now. */
  began(): void;
}

export interface Delivery {
  /** The event's id as the producer gave it; empty if it gave none. */
  id: string;
  type: string;
  body: string;
  /** 1 for the first try; grows by one with each `retry`. */
  attempt: number;
  /** The broker handed this out before and got no answer: whoever had it may have crashed on it. */
  redelivered: boolean;
}

export type Verdict =
  | { kind: 'done' }
  /** Temporary: comes again after the next of `retryDelays`; after the last it is dead-lettered as `retries-exhausted`. */
  | { kind: 'retry'; error: Error }
  /** Permanent: straight to the dead letters. */
  | { kind: 'dead'; reason: DeadLetterReason; error: Error }
  /**
   * Others hold what it needs. It is handed out again in `patient` calls, while new deliveries are handled. After half a
   * minute, or where too many wait, it comes again after a retry delay; no attempt is counted.
   */
  | { kind: 'busy'; error: Error };

export type DeadLetterReason =
  | 'malformed'
  | 'schema'
  | 'permanent'
  | 'unhandled-type'
  | 'retries-exhausted'
  | 'crash-loop'
  /** The broker user that published it may not publish events of its type, or is unknown. */
  | 'unauthorized-publisher';

/** Milliseconds before attempt 2, 3, …: 1 s, 5 s, 30 s, 2 min, 10 min. */
export const defaultRetryDelays: readonly number[] = [1_000, 5_000, 30_000, 120_000, 600_000];
