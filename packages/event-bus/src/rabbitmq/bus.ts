import { type AmqpLink, brokerUser, createAmqpLink } from '@warren/amqp-link';
import type { Logger } from 'pino';
import { requireName, requireWhole } from '../limits.js';
import {
  type BusState,
  defaultRetryDelays,
  type EncodedEvent,
  type EventBus,
  type Listener,
  PublishError,
  type PublishReceipt,
  type Subscribed,
  type Subscription,
} from '../port.js';
import { Consumer } from './consumer.js';
import { Listening } from './listening.js';
import { propertiesOf } from './messages.js';
import { type BrokerNames, brokerNames } from './names.js';
import { Publisher } from './publisher.js';
import { type Authorize, PublisherCheck } from './publishers.js';

/** Between two looks whether queues are still bound, in milliseconds. */
const defaultCheckEveryMs = 15_000;

/** How long `close` waits for what is being handled, and then for open confirms, in milliseconds. */
const drainMs = 10_000;

export interface RabbitMqEventBusOptions {
  /** `amqp://` or, for TLS, `amqps://`. */
  url: string;
  /** Who publishes: shows in the connections' names and in each message's `appId`. */
  service: string;
  /** What the names of exchanges and queues begin with, in kebab case. Default `warren`. */
  prefix?: string | undefined;
  /**
   * Which broker user may publish events of which type; the broker vouches for the user. Whatever else comes goes to
   * the dead letters. Left out: all services connect as one user, and nobody else is believed.
   */
  authorize?: Authorize;
  /** Milliseconds before attempt 2, 3, …; one queue each. Default `defaultRetryDelays`. */
  retryDelays?: readonly number[];
  /** Default 10 s. */
  confirmTimeoutMs?: number;
  /** Most unconfirmed events at a time. Default 1000. */
  maxInFlight?: number;
  /** Between two looks whether its queues are still bound, which nobody tells; with jitter. Default 15 s. */
  checkEveryMs?: number;
  log: Logger;
}

/** Starts connecting at once and is usable while the broker is away: `degraded`, then, and refusing to publish. */
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
  /** Apart from each other, since a broker short of memory or disk stops reading from who publishes. */
  readonly #publishing: AmqpLink;
  readonly #consuming: AmqpLink;
  readonly #publisher: Publisher;
  readonly #consumers = new Set<Consumer>();
  readonly #listenings = new Set<Listening>();
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
    await this.#demandMatch(() => this.#leave(consumer));
    return { close: () => this.#leave(consumer) };
  }

  async listen(listener: Listener): Promise<Subscribed> {
    if (this.#closing) throw new Error('The event bus is closed');
    requireName('service', listener.service);
    for (const type of listener.types) requireName('event type', type);
    const listening = new Listening({
      names: this.#names,
      link: this.#consuming,
      publisher: this.#publisher,
      listener,
      check: this.#check,
      checkEveryMs: this.#checkEveryMs,
      log: this.#log,
    });
    this.#listenings.add(listening);
    await listening.started();
    await this.#demandMatch(() => this.#endListening(listening));
    return { close: () => this.#endListening(listening) };
  }

  /** An exchange or a queue that isn't what it must be: nobody could use it, and nobody but an operator mends it. */
  async #demandMatch(undo: () => Promise<void>): Promise<void> {
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
    // Consumers first: what they still handle may have to be moved, which needs the publisher.
    await Promise.all([
      ...[...this.#consumers].map((consumer) => this.#leave(consumer)),
      ...[...this.#listenings].map((listening) => this.#endListening(listening)),
    ]);
    await this.#drain(this.#publisher.close(drainMs));
    await Promise.all([this.#consuming.close(), this.#publishing.close()]);
  }

  async #leave(consumer: Consumer): Promise<void> {
    if (!this.#consumers.delete(consumer)) return;
    await this.#drain(consumer.close(drainMs));
  }

  async #endListening(listening: Listening): Promise<void> {
    if (this.#listenings.delete(listening)) await listening.close();
  }

  async #drain(closing: Promise<void>): Promise<void> {
    try {
      await closing;
    } catch (error) {
      this.#log.warn({ err: error }, 'closing did not wait any longer');
    }
  }
}
