import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import {
  type DeadLetterReason,
  defaultRetryDelays,
  type EncodedEvent,
  type EventBus,
  PublishError,
  type PublishReceipt,
  type Subscribed,
  type Subscription,
} from '../port.js';
import { Semaphore } from '../semaphore.js';
import { requireName, requireWhole } from '../validation.js';
import { type Entry, ServiceQueue } from './service-queue.js';

/** Milliseconds that `close` waits for running handlers. */
const closeTimeoutMs = 10_000;
/** Milliseconds that `publish` waits while `maxInFlight` events are in flight. */
const inFlightTimeoutMs = 10_000;
const maxDeadLetters = 10_000;

export interface MemoryEventBusOptions {
  /** Milliseconds before attempt 2, 3, …. Default `defaultRetryDelays`. */
  retryDelays?: readonly number[];
  /** The events that may be unconfirmed at the same time. Default 1000. */
  maxInFlight?: number;
  /**
   * Event types by service. They are bound before the service subscribes, so that events published while it starts wait
   * for it, as in a broker's durable queue. Without this, they would be unroutable.
   */
  queues?: Readonly<Record<string, readonly string[]>>;
  log?: Logger;
}

export interface DeadLetter {
  id: string;
  type: string;
  service: string;
  reason: DeadLetterReason;
  attempts: number;
  /** RFC 3339, UTC. */
  firstFailedAt: string;
  error: Error;
}

/**
 * An event bus inside one process. An event is confirmed when every service that consumes its type has committed it. So
 * `publish` may be pending for minutes while a retry waits. Until then the event stays in its producer's outbox, which is
 * all that survives a crash. Publishing an id that is pending returns the pending promise.
 */
export interface MemoryEventBus extends EventBus {
  /** The newest 10,000. Publishing such an event again starts with attempt 1. */
  readonly deadLetters: readonly DeadLetter[];
}

export function createMemoryEventBus(options: MemoryEventBusOptions = {}): MemoryEventBus {
  return new InMemoryEventBus(options);
}

/** An event that is not confirmed yet. */
interface Flight {
  outcome: Promise<PublishReceipt>;
  fail(error: PublishError): void;
}

class InMemoryEventBus implements MemoryEventBus {
  readonly state = 'up';
  readonly publishing = 'up';
  readonly #retryDelays: readonly number[];
  readonly #log: Logger | undefined;
  readonly #inFlight: Semaphore;
  readonly #queues = new Map<string, ServiceQueue>();
  readonly #flights = new Map<string, Flight>();
  readonly #dead: DeadLetter[] = [];
  #closing: Promise<void> | undefined;

  constructor(options: MemoryEventBusOptions) {
    const { retryDelays = defaultRetryDelays, maxInFlight = 1_000, queues = {}, log } = options;
    for (const delay of retryDelays) requireWhole('a retry delay', delay, 1);
    this.#retryDelays = retryDelays;
    this.#inFlight = new Semaphore(maxInFlight);
    this.#log = log;
    for (const [service, types] of Object.entries(queues)) this.#bind(service, types);
  }

  get deadLetters(): readonly DeadLetter[] {
    return this.#dead;
  }

  publish(event: EncodedEvent): Promise<PublishReceipt> {
    if (this.#closing) return Promise.reject(new PublishError('unavailable', 'the event bus is closed'));
    const earlier = this.#flights.get(flightKey(event));
    if (earlier) return earlier.outcome;
    return this.#startFlight(event);
  }

  async subscribe(subscription: Subscription): Promise<Subscribed> {
    if (this.#closing) throw new Error('The event bus is closed');
    requireName('service', subscription.service);
    for (const type of subscription.types) requireName('event type', type);
    const queue = this.#bind(subscription.service, subscription.types);
    const leave = queue.subscribe(subscription);
    return { close: () => this.#logLateClose(leave(closeTimeoutMs)) };
  }

  #bind(service: string, types: Iterable<string>): ServiceQueue {
    const queue = this.#queues.get(service) ?? new ServiceQueue(this.#retryDelays, this.#log);
    this.#queues.set(service, queue);
    queue.bind(types);
    return queue;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#inFlight.rejectWaiters(new PublishError('unavailable', 'the event bus is closed'));
    await Promise.all(
      [...this.#queues.values()].map((queue) => this.#logLateClose(queue.close(closeTimeoutMs))),
    );
    for (const flight of this.#flights.values()) {
      flight.fail(
        new PublishError('unavailable', 'the event bus closed before every service had committed the event'),
      );
    }
    this.#flights.clear();
  }

  /** Logs if `closing` rejects because it took too long. */
  async #logLateClose(closing: Promise<void>): Promise<void> {
    try {
      await closing;
    } catch (error) {
      this.#log?.warn({ err: error }, 'closed without waiting any longer');
    }
  }

  #startFlight(event: EncodedEvent): Promise<PublishReceipt> {
    let fail: Flight['fail'] = () => undefined;
    const failed = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const outcome = Promise.race([this.#deliver(event, fail), failed]);
    // Events without an id are never the same.
    const key = event.id === '' ? randomUUID() : flightKey(event);
    const forget = () => this.#flights.delete(key);
    outcome.then(forget, forget);
    this.#flights.set(key, { outcome, fail });
    return outcome;
  }

  /** Resolves when every service has committed or given up. Calls `fail` as soon as one gives up. */
  async #deliver(event: EncodedEvent, fail: Flight['fail']): Promise<PublishReceipt> {
    await this.#inFlight.acquire(inFlightTimeoutMs);
    try {
      const wanted = [...this.#queues].filter(([service, queue]) =>
        event.to === undefined ? queue.wants(event.type) : service === event.to,
      );
      if (wanted.length === 0) return 'unroutable';
      await Promise.all(wanted.map(([service, queue]) => this.#commit(event, service, queue, fail)));
      return 'confirmed';
    } finally {
      this.#inFlight.release();
    }
  }

  #commit(event: EncodedEvent, service: string, queue: ServiceQueue, fail: Flight['fail']): Promise<void> {
    return new Promise((settled) => {
      const dead = (reason: DeadLetterReason, error: Error, entry: Entry) => {
        const { id, type, attempt } = entry.delivery;
        const firstFailedAt = entry.firstFailedAt ?? new Date().toISOString();
        const letter = { id, type, service, reason, attempts: attempt, firstFailedAt, error };
        this.#dead.push(letter);
        if (this.#dead.length > maxDeadLetters) this.#dead.shift();
        fail(deadError(letter));
        settled();
      };
      const { id, type, body, again = false } = event;
      const delivery = { id, type, body, attempt: 1, redelivered: again };
      queue.add({ delivery, gone: false, firstFailedAt: undefined, postponed: 0, committed: settled, dead });
    });
  }
}

/** The same event may be in flight to all services and, as a replay, to one. */
function flightKey({ id, to }: EncodedEvent): string {
  return to === undefined ? id : `${id} ${to}`;
}

function deadError({ service, reason, attempts, error }: DeadLetter): PublishError {
  return new PublishError('refused', `${service} gave the event up after ${attempts} attempts: ${reason}`, {
    cause: error,
  });
}
