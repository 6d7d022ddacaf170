import { type AmqpLink, brokerUser, createAmqpLink } from '@warren/amqp-link';
import type { Logger } from 'pino';
import {
  type BusState,
  defaultRetryDelays,
  type EncodedEvent,
  type EventBus,
  PublishError,
  type PublishReceipt,
  type Subscribed,
  type Subscription,
} from '../port.js';
import { requireName, requireWhole } from '../validation.js';
import { Consumer } from './consumer.js';
import { propertiesOf } from './messages.js';
import { type BrokerNames, brokerNames } from './names.js';
import { Publisher } from './publisher.js';
import { type Authorize, PublisherCheck } from './publisher-check.js';

/** Milliseconds between two checks that queues are still bound. */
const defaultCheckEveryMs = 15_000;

/** Milliseconds that `close` waits for running handlers, and then for open confirms. */
const closeTimeoutMs = 10_000;

export interface RabbitMqEventBusOptions {
  /** `amqp://` or, for TLS, `amqps://`. */
  url: string;
  /** The service that publishes. In the names of connections and in each message's `appId`. */
  service: string;
  /** The start of the names of exchanges and queues, in kebab case. Default `warren`. */
  prefix?: string | undefined;
  /**
   * Whether a broker user may publish events of a type. The broker verifies the user. Events of others go to the dead
   * letters. Default: only this bus's own user may publish, for systems in which all services share one user.
   */
  authorize?: Authorize;
  /** Each broker user has the name of its service, so a delivery tells its publisher. Default false. */
  serviceUsers?: boolean;
  /** Milliseconds before attempt 2, 3, …; one queue each. Default `defaultRetryDelays`. */
  retryDelays?: readonly number[];
  /** Milliseconds to wait for a confirm. Default 10 s. */
  confirmTimeoutMs?: number;
  /** The events that may be unconfirmed at the same time. Default 1000. */
  maxInFlight?: number;
  /** Milliseconds between two checks that queues are still bound, plus or minus a quarter. Default 15 s. */
  checkEveryMs?: number;
  log: Logger;
}

/** Starts connecting at once. While the broker is away, the bus is `degraded` and refuses to publish. */
export function createRabbitMqEventBus(options: RabbitMqEventBusOptions): EventBus {
  return new RabbitMqEventBus(options);
}

class RabbitMqEventBus implements EventBus {
  readonly #service: string;
  readonly #names: BrokerNames;
  readonly #retryDelays: readonly number[];
  readonly #checkEveryMs: number;
  readonly #log: Logger;
  readonly #user: string;
  readonly #check: PublisherCheck;
  /** Two connections, since a broker that is short of memory or disk stops reading from those that publish. */
  readonly #publishing: AmqpLink;
  readonly #consuming: AmqpLink;
  readonly #publisher: Publisher;
  readonly #consumers = new Set<Consumer>();
  #closing: Promise<void> | undefined;

  constructor(options: RabbitMqEventBusOptions) {
    const { url, service, authorize, confirmTimeoutMs = 10_000, maxInFlight = 1_000 } = options;
    requireName('service', service);
    requireWhole('confirmTimeoutMs', confirmTimeoutMs, 1);
    requireWhole('maxInFlight', maxInFlight, 1);
    this.#retryDelays = options.retryDelays ?? defaultRetryDelays;
    for (const delay of this.#retryDelays) requireWhole('a retry delay', delay, 1);
    this.#service = service;
    this.#names = brokerNames(options.prefix);
    this.#checkEveryMs = options.checkEveryMs ?? defaultCheckEveryMs;
    requireWhole('checkEveryMs', this.#checkEveryMs, 1);
    this.#log = options.log;
    const user = brokerUser(url) ?? '';
    this.#user = user;
    this.#check = new PublisherCheck({
      names: this.#names,
      user,
      authorize: authorize ?? ((publisher) => publisher === user),
      serviceUsers: options.serviceUsers ?? false,
      log: this.#log,
    });
    this.#publishing = createAmqpLink({ url, name: `${service} publishing`, log: this.#log });
    this.#consuming = createAmqpLink({ url, name: `${service} consuming`, log: this.#log });
    this.#publisher = new Publisher({
      link: this.#publishing,
      names: this.#names,
      service,
      confirmTimeoutMs,
      maxInFlight,
    });
  }

  get state(): BusState {
    const isUp = this.publishing === 'up' && this.#consuming.state === 'up';
    return isUp && [...this.#consumers].every((consumer) => consumer.bound) ? 'up' : 'degraded';
  }

  get publishing(): BusState {
    return this.#publishing.state;
  }

  get refused(): string | undefined {
    return (this.#publishing.refused ?? this.#consuming.refused)?.message;
  }

  get unauthorized(): number {
    return this.#check.unauthorized;
  }

  async publish(event: EncodedEvent): Promise<PublishReceipt> {
    if (this.#closing) throw new PublishError('unavailable', 'the event bus is closed');
    return this.#publisher.send({
      ...(event.to === undefined
        ? { exchange: this.#names.eventsExchange, routingKey: event.type }
        : { exchange: this.#names.replaysExchange, routingKey: `${event.to}.${event.type}` }),
      content: Buffer.from(event.body, 'utf8'),
      properties: propertiesOf(event, { appId: this.#service, userId: this.#user }),
    });
  }

  async subscribe(subscription: Subscription): Promise<Subscribed> {
    if (this.#closing) throw new Error('The event bus is closed');
    requireName('service', subscription.service);
    for (const type of subscription.types) requireName('event type', type);
    const consumer = new Consumer({
      names: this.#names,
      link: this.#consuming,
      publisher: this.#publisher,
      user: this.#user,
      check: this.#check,
      subscription,
      retryDelays: this.#retryDelays,
      checkEveryMs: this.#checkEveryMs,
      log: this.#log,
    });
    this.#consumers.add(consumer);
    await consumer.started();
    await this.#requireMatch(() => this.#leave(consumer));
    return { close: () => this.#leave(consumer) };
  }

  /** Throws if an exchange or a queue exists with the wrong properties, which only an operator can change. */
  async #requireMatch(undo: () => Promise<void>): Promise<void> {
    await this.#publisher.ready();
    const refused = this.#publishing.refused ?? this.#consuming.refused;
    if (refused?.reason !== 'mismatch') return;
    await undo();
    throw refused;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // Consumers first: they may need the publisher to move deliveries that fail.
    await Promise.all([...this.#consumers].map((consumer) => this.#leave(consumer)));
    await this.#logLateClose(this.#publisher.close(closeTimeoutMs));
    await Promise.all([this.#consuming.close(), this.#publishing.close()]);
  }

  async #leave(consumer: Consumer): Promise<void> {
    if (!this.#consumers.delete(consumer)) return;
    await this.#logLateClose(consumer.close(closeTimeoutMs));
  }

  /** Logs if `closing` rejects because it took too long. */
  async #logLateClose(closing: Promise<void>): Promise<void> {
    try {
      await closing;
    } catch (error) {
      this.#log.warn({ err: error }, 'closed without waiting any longer');
    }
  }
}
