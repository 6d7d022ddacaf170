import { randomUUID } from 'node:crypto';
import {
  type AmqpLink,
  type ChannelSession,
  createAmqpLink,
  ensureExchange,
  type LinkChannel,
} from '@warren/amqp-link';
import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import type { Logger } from 'pino';
import type { NodeLink, NodeMessage } from '../api.js';
import { acknowledgements } from './acknowledgements.js';
import { aliveEveryMs, Peers } from './peers.js';
import { SenderNumbers } from './sender-numbers.js';
import { alivePropertiesFrom, decode, encode, isAlive, isForUs, propertiesFrom } from './wire.js';

/** Shared by all services: a node filters by the properties. */
export const nodesExchange = 'warren.nodes';

const defaultMaxQueueBytes = 32 * 1024 * 1024;
/** What may be on its way to the broker at a time, in bytes: more only means that the broker can't keep up. */
const maxUnconfirmedBytes = 8 * 1024 * 1024;
/** Messages on their way to this node. */
const prefetch = 100;

export interface RabbitMqNodeLinkOptions {
  url: string;
  service: string;
  /** Shows in the queue's name. */
  node: string;
  log: Logger;
  /** What the broker keeps for a slow node, in bytes; beyond it the oldest are dropped. Default 32 MiB. */
  maxQueueBytes?: number;
  /** How often this node tells the others that it is there, in milliseconds; the same for all. Default 5,000. */
  aliveEveryMs?: number;
}

export interface RabbitMqNodeLink extends NodeLink {
  /** Messages given to `broadcast` that never reached the broker. */
  readonly drops: number;
  /** Messages of other nodes that never came here: their numbers are missing. */
  readonly missed: number;
}

/** Starts connecting at once; while the broker is away, what is broadcast is dropped and counted. */
export function createRabbitMqNodeLink(options: RabbitMqNodeLinkOptions): RabbitMqNodeLink {
  return new FanoutLink(options);
}

class FanoutLink implements RabbitMqNodeLink {
  readonly #service: string;
  readonly #node: string;
  readonly #maxQueueBytes: number;
  readonly #log: Logger;
  /** Tells own messages: two nodes may by mistake bear one name. */
  readonly #self = randomUUID();
  readonly #link: AmqpLink;
  readonly #channel: LinkChannel;
  readonly #listeners: Array<(message: NodeMessage) => void> = [];
  readonly #numbers = new SenderNumbers();
  readonly #peers: Peers;
  readonly #aliveTimer: NodeJS.Timeout;
  #sent = 0;
  #unconfirmedBytes = 0;
  #drops = 0;
  #dropping = false;

  constructor(options: RabbitMqNodeLinkOptions) {
    this.#service = options.service;
    this.#node = options.node;
    this.#maxQueueBytes = options.maxQueueBytes ?? defaultMaxQueueBytes;
    this.#log = options.log;
    this.#link = createAmqpLink({
      url: options.url,
      name: `${options.service} node ${options.node}`,
      log: options.log,
    });
    const everyMs = options.aliveEveryMs ?? aliveEveryMs;
    this.#peers = new Peers(everyMs);
    this.#channel = this.#link.openChannel((session) => this.#setUp(session));
    this.#aliveTimer = setInterval(() => this.#tellAlive(this.#channel.current), everyMs);
  }

  get state(): 'up' | 'degraded' {
    return this.#link.state;
  }

  get hasPeers(): boolean {
    return this.#peers.any;
  }

  get drops(): number {
    return this.#drops;
  }

  get missed(): number {
    return this.#numbers.missing;
  }

  onMessage(listener: (message: NodeMessage) => void): void {
    this.#listeners.push(listener);
  }

  broadcast(message: NodeMessage): void {
    try {
      this.#send(encode(message));
    } catch (error) {
      this.#drop(error);
    }
  }

  close(): Promise<void> {
    clearInterval(this.#aliveTimer);
    return this.#link.close();
  }

  async #setUp(session: ChannelSession): Promise<void> {
    const { channel } = session;
    await ensureExchange(session, nodesExchange, 'fanout');
    // A fresh name each time: after a half-open cut the broker holds the old queue locked for its dead connection.
    const queue = `${nodesExchange}.${this.#service}.${this.#node}.${randomUUID()}`;
    await channel.assertQueue(queue, {
      exclusive: true,
      autoDelete: true,
      durable: false,
      arguments: {
        'x-queue-type': 'classic',
        'x-max-length-bytes': this.#maxQueueBytes,
        'x-overflow': 'drop-head',
      },
    });
    await channel.bindQueue(queue, nodesExchange, '');
    // Without acknowledgements the broker would push everything at a slow node, past the queue and its bound.
    await channel.prefetch(prefetch);
    const acknowledge = acknowledgements(channel);
    await channel.consume(queue, (message) => {
      if (!message) return this.#channel.restart('the broker cancelled the consumer');
      acknowledge(message);
      this.#receive(message);
    });
    // Only now: peers push to this node from the moment they hear of it, and it hears of them within one interval.
    this.#peers.heard();
    this.#tellAlive(channel);
  }

  #tellAlive(channel: ConfirmChannel | undefined): void {
    if (!channel || this.#link.blocked) return;
    try {
      channel.publish(nodesExchange, '', Buffer.alloc(0), alivePropertiesFrom(this.#service, this.#self));
    } catch (error) {
      this.#log.debug({ err: error }, 'the channel was lost; its successor tells that this node is there');
    }
  }

  #send(content: Buffer): void {
    const channel = this.#channelFor(content.length);
    this.#sent += 1;
    const properties = propertiesFrom(this.#service, this.#self, this.#sent);
    channel.publish(nodesExchange, '', content, properties, (error) => {
      this.#unconfirmedBytes -= content.length;
      if (error) this.#drop(error);
      else this.#dropping = false;
    });
    this.#unconfirmedBytes += content.length;
  }

  #channelFor(bytes: number): ConfirmChannel {
    const channel = this.#channel.current;
    if (!channel || this.#link.blocked) throw new Error('the broker is away or takes nothing');
    if (this.#unconfirmedBytes + bytes > maxUnconfirmedBytes) throw new Error('the broker can not keep up');
    return channel;
  }

  /** One line for each run of drops, not one for each drop. */
  #drop(error: unknown): void {
    this.#drops += 1;
    if (this.#dropping) return;
    this.#dropping = true;
    this.#log.warn(
      { err: error, drops: this.#drops },
      'pushes to other nodes are dropped; feeds will fill the gaps',
    );
  }

  #receive(message: ConsumeMessage): void {
    if (!isForUs(message, this.#service, this.#self)) return;
    this.#peers.heard();
    if (isAlive(message)) return;
    this.#numbers.note(message);
    const decoded = decode(message.content);
    if (decoded === 'unknown') return;
    if (!decoded || decoded.service !== this.#service) {
      this.#log.warn({ bytes: message.content.length }, 'a message to this node could not be read');
      return;
    }
    for (const listener of this.#listeners) {
      try {
        listener(decoded);
      } catch (error) {
        this.#log.error({ err: error }, 'a listener for messages of other nodes threw');
      }
    }
  }
}
