import { randomUUID } from 'node:crypto';
import {
  type AmqpLink,
  brokerUser,
  type ChannelSession,
  codeOf,
  createAmqpLink,
  defaultPrefix,
  ensureExchange,
  type LinkChannel,
} from '@warren/amqp-link';
import { withDeadline } from '@warren/timing';
import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import type { Logger } from 'pino';
import { isOwn, Listeners } from '../listeners.js';
import type { HeardEvent, KeyListener, NodeBus, NodeBusStats } from '../port.js';
import { broadcastRouting, type Routing } from '../routing.js';
import { Sending } from '../sending.js';
import { decode, encodeAnnounced, encodeSent } from '../wire.js';
import { acknowledgements } from './acknowledgements.js';
import { checkKey, everyNode, nodeQueue, nodesExchange } from './names.js';
import { Outbound } from './outbound.js';
import { Peers } from './peers.js';
import { SenderNumbers } from './sender-numbers.js';

export { nodesExchange } from './names.js';

const defaultMaxQueueBytes = 32 * 1024 * 1024;
const defaultAliveEveryMs = 5_000;
/** Most messages on their way from the broker to this node. */
const prefetch = 100;
const bindTimeoutMs = 10_000;
/** Between two lines about messages of other broker users, in milliseconds. */
const logEveryMs = 1_000;

/** Domain events that the node hears beside the messages of other nodes. */
export interface EventSource {
  /** A durable topic exchange. */
  exchange: string;
  types: readonly string[];
  /** Whether a broker user may publish events of a type; the broker vouches for the user. */
  authorize(publisher: string, type: string): boolean;
}

export interface RabbitMqNodeBusOptions {
  /** `amqp://` or, for TLS, `amqps://`. */
  url: string;
  /** The service whose node this is. */
  service: string;
  /** Shows in the names of the connection and the queue. */
  node: string;
  /** What the names of exchanges and queues begin with, in kebab case. Default `warren`. */
  prefix?: string | undefined;
  /** Default: none. */
  events?: EventSource | undefined;
  log: Logger;
  /** What the broker keeps for a slow node, in bytes; beyond it the oldest are dropped. Default 32 MiB. */
  maxQueueBytes?: number;
  /**
   * How often this node says that it is alive and renews its bindings, in milliseconds; the same on all nodes. Default
   * 5,000.
   */
  aliveEveryMs?: number;
}

/** Starts connecting at once. While the broker is away, messages are dropped and counted. */
export function createRabbitMqNodeBus(options: RabbitMqNodeBusOptions): NodeBus {
  return new RabbitMqNodeBus(options);
}

/** The queue of this node, which is new for each channel. */
interface NodeQueue {
  name: string;
  /** The routing key of the messages that check its bindings. */
  checkKey: string;
  session: ChannelSession;
}

class RabbitMqNodeBus implements NodeBus {
  readonly #options: RabbitMqNodeBusOptions;
  readonly #exchange: string;
  /** All nodes of a service connect as this broker user. The broker vouches for who published a message. */
  readonly #user: string;
  readonly #log: Logger;
  /** Tells this node's own messages from those of others: two nodes may bear one name by mistake. */
  readonly #self = randomUUID();
  readonly #link: AmqpLink;
  readonly #channel: LinkChannel;
  readonly #outbound: Outbound;
  readonly #listeners: Listeners;
  readonly #numbers = new SenderNumbers();
  readonly #peers: Peers;
  readonly #routing: Routing;
  readonly #sending: Sending;
  readonly #timer: NodeJS.Timeout;
  #queue: NodeQueue | undefined;
  /** Whether bindings are being renewed. */
  #renewing = false;
  #unauthorized = 0;
  #loggedAt = 0;

  constructor(options: RabbitMqNodeBusOptions) {
    const { url, service, node, log, aliveEveryMs = defaultAliveEveryMs } = options;
    this.#options = options;
    this.#exchange = nodesExchange(service, options.prefix);
    this.#user = brokerUser(url) ?? '';
    this.#log = log;
    this.#listeners = new Listeners(service, log);
    this.#peers = new Peers(aliveEveryMs);
    this.#link = createAmqpLink({ url, name: `${service} node ${node}`, log });
    this.#channel = this.#link.openChannel((session) => this.#setUp(session));
    this.#outbound = new Outbound({
      link: this.#link,
      channel: this.#channel,
      exchange: this.#exchange,
      user: this.#user,
      sender: this.#self,
      log,
    });
    this.#routing = broadcastRouting(() => this.#peers.any);
    this.#sending = new Sending(this.#routing, (_all, messages) => {
      for (const part of encodeSent(messages, (error) => this.#outbound.drop(error)))
        this.#outbound.send(part);
    });
    this.#timer = setInterval(() => this.#tick(), aliveEveryMs);
  }

  get state(): 'up' | 'degraded' {
    return this.#link.state;
  }

  get refused(): string | undefined {
    return this.#link.refused?.message;
  }

  stats(): NodeBusStats {
    return {
      useful: this.#listeners.useful,
      wasted: this.#listeners.wasted,
      dropped: this.#outbound.dropped,
      missed: this.#numbers.missing,
      unauthorized: this.#unauthorized,
    };
  }

  follow(key: string, listener: KeyListener): Promise<void> {
    this.#listeners.follow(key, listener);
    return this.#routing.follow(key);
  }

  unfollow(key: string): void {
    this.#listeners.unfollow(key);
    this.#routing.unfollow(key);
  }

  send(key: string, message: unknown): void {
    if (isOwn(this.#options.service, key)) this.#sending.send(key, message);
    else this.#outbound.drop(new RangeError(`"${key}" is not a key of this service`));
  }

  hear(topic: string, listener: (message: unknown) => void): void {
    this.#listeners.hear(topic, listener);
  }

  announce(topic: string, message: unknown): void {
    try {
      if (!isOwn(this.#options.service, topic))
        throw new RangeError(`"${topic}" is not a topic of this service`);
      if (this.#peers.any) this.#outbound.send(encodeAnnounced(topic, message));
    } catch (error) {
      this.#outbound.drop(error);
    }
  }

  onEvent(listener: (event: HeardEvent) => void): void {
    this.#listeners.onEvent(listener);
  }

  onConnected(listener: () => void): void {
    this.#listeners.onConnected(listener);
  }

  ready(): Promise<void> {
    return this.#channel.attempted();
  }

  close(): Promise<void> {
    clearInterval(this.#timer);
    return this.#link.close();
  }

  async #setUp(session: ChannelSession): Promise<void> {
    const { channel } = session;
    const { service, node, prefix = defaultPrefix, events, maxQueueBytes } = this.#options;
    await ensureExchange(session, this.#exchange, 'direct');
    if (events) await ensureExchange(session, events.exchange, 'topic');
    // A fresh name each time: after a half-open cut the broker holds the old queue locked for its dead connection.
    const id = randomUUID();
    const name = nodeQueue(prefix, service, node, id);
    const queue = { name, checkKey: checkKey(service, id), session };
    await channel.assertQueue(name, {
      exclusive: true,
      autoDelete: true,
      durable: false,
      arguments: {
        'x-queue-type': 'classic',
        'x-max-length-bytes': maxQueueBytes ?? defaultMaxQueueBytes,
        'x-overflow': 'drop-head',
      },
    });
    try {
      await this.#bind(channel, queue);
      await this.#bindCheck(channel, queue);
      await this.#consume(channel, queue);
    } catch (error) {
      // It has no consumer that would end it, so it would stay for as long as the connection.
      await session.scratch((deleting) => deleting.deleteQueue(name)).catch(() => undefined);
      throw error;
    }
    this.#queue = queue;
    // Only now: peers send to this node as soon as they hear of it, and it hears of them within one interval.
    this.#peers.heard();
    this.#outbound.sendAlive(channel);
    this.#listeners.connected();
  }

  async #bind(channel: ConfirmChannel, { name }: NodeQueue): Promise<void> {
    const { events } = this.#options;
    await channel.bindQueue(name, this.#exchange, everyNode);
    if (!events) return;
    for (const type of events.types) await channel.bindQueue(name, events.exchange, type);
  }

  /** The bindings that show whether an exchange is still the one that the queue was bound to. */
  async #bindCheck(channel: ConfirmChannel, { name, checkKey }: NodeQueue): Promise<void> {
    const { events } = this.#options;
    for (const exchange of [this.#exchange, ...(events ? [events.exchange] : [])])
      await channel.bindQueue(name, exchange, checkKey);
  }

  /**
   * Whether the node's queue is still bound to its exchanges. A deleted exchange loses all its bindings, so one check
   * message for each exchange is enough. The broker returns a message that no queue takes.
   */
  async #isBound(channel: ConfirmChannel, { checkKey }: NodeQueue): Promise<boolean> {
    const { events } = this.#options;
    let bound = true;
    channel.on('return', () => {
      bound = false;
    });
    const properties = { mandatory: true, userId: this.#user, messageId: this.#self, persistent: false };
    for (const exchange of [this.#exchange, ...(events ? [events.exchange] : [])])
      channel.publish(exchange, checkKey, Buffer.alloc(0), properties);
    await channel.waitForConfirms();
    return bound;
  }

  async #consume(channel: ConfirmChannel, { name, checkKey }: NodeQueue): Promise<void> {
    // Without acknowledgements the broker would send everything to a slow node, and the queue would bound nothing.
    await channel.prefetch(prefetch);
    const acknowledge = acknowledgements(channel);
    await channel.consume(name, (message) => {
      if (!message) return this.#channel.restart('the broker cancelled the consumer');
      acknowledge(message);
      if (message.fields.routingKey !== checkKey) this.#receive(message);
    });
  }

  #tick(): void {
    this.#outbound.sendAlive();
    void this.#renewBindings();
  }

  /**
   * An exchange that was deleted and declared again has lost its bindings, and the broker reports nothing. So this checks
   * them, and binds the queue again. If they were missing, messages may have been lost, as during a lost connection.
   */
  async #renewBindings(): Promise<void> {
    const queue = this.#queue;
    if (!queue || this.#channel.current !== queue.session.channel) return;
    // A broker that answers nothing, for example one with an alarm, must not collect a channel with each round.
    if (this.#renewing || this.#link.blocked) return;
    try {
      const renewed = queue.session.scratch(async (channel) => {
        const wasBound = await this.#isBound(channel, queue);
        await this.#bind(channel, queue);
        // Otherwise an exchange that is deleted right after the check would look whole to the next one.
        if (wasBound) return;
        await this.#bindCheck(channel, queue);
        this.#log.warn('the bindings of this node were missing; they are bound again');
        this.#listeners.connected();
      });
      this.#renewing = true;
      renewed.finally(() => (this.#renewing = false)).catch(() => undefined);
      await withDeadline(renewed, bindTimeoutMs, 'the broker did not answer');
    } catch (error) {
      if (codeOf(error) === 404) this.#channel.restart('an exchange or the queue is missing');
      else this.#log.debug({ err: error }, 'the bindings of the node could not be checked');
    }
  }

  #receive(message: ConsumeMessage): void {
    if (message.fields.exchange === this.#exchange) this.#receiveFromNode(message);
    else this.#receiveEvent(message);
  }

  /** An event may also come by an exchange that somebody bound to that of the events, so its publisher is checked. */
  #receiveEvent(message: ConsumeMessage): void {
    const { fields, properties, content } = message;
    const type = fields.routingKey;
    const publisher: unknown = properties.userId;
    if (typeof publisher === 'string' && this.#options.events?.authorize(publisher, type))
      this.#listeners.deliverEvent({ type, body: content.toString('utf8') });
    else this.#refuse(message);
  }

  #receiveFromNode(message: ConsumeMessage): void {
    const { properties, content } = message;
    const publisher: unknown = properties.userId;
    if (publisher !== this.#user) {
      this.#refuse(message);
      return;
    }
    if (properties.messageId === this.#self) return;
    this.#peers.heard();
    if (properties.correlationId !== undefined)
      this.#numbers.note(String(properties.messageId), Number(properties.correlationId));
    const decoded = decode(content);
    if (decoded === undefined)
      this.#log.warn({ bytes: content.length }, 'a message to this node could not be read');
    else if (decoded !== 'unknown') this.#listeners.deliver(decoded);
  }

  /** The broker's permissions can be circumvented, so each node checks the publisher. */
  #refuse({ fields, properties }: ConsumeMessage): void {
    this.#unauthorized += 1;
    const now = Date.now();
    if (now - this.#loggedAt < logEveryMs) return;
    this.#loggedAt = now;
    const { exchange, routingKey } = fields;
    const publisher: unknown = properties.userId;
    this.#log.error(
      { security: true, publisher, exchange, routingKey, unauthorized: this.#unauthorized },
      'messages to this node are refused: their publisher may not publish them',
    );
  }
}
