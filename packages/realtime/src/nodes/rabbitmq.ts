import { randomUUID } from 'node:crypto';
import {
  type AmqpLink,
  brokerUser,
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
import {
  alivePropertiesFrom,
  decode,
  encode,
  isAlive,
  isFrom,
  isFromUser,
  propertiesFrom,
  type Sender,
} from './wire.js';

/** Each service has its own, so that permissions can go by service: pushes hold what only its users may see. */
export const nodesExchange = (service: string): string => `warren.nodes.${service}`;

const defaultMaxQueueBytes = 32 * 1024 * 1024;
/** What may be on its way to the broker at a time, in bytes: more only means that the broker can't keep up. */
const maxUnconfirmedBytes = 8 * 1024 * 1024;
const mostUnheard = 5;
/** Messages on their way to this node. */
const prefetch = 100;
/** Between two lines about messages of other broker users, in milliseconds. */
const logEveryMs = 1_000;

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
  /** Messages dropped since another broker user published them. */
  readonly unauthorized: number;
}

/** Starts connecting at once; while the broker is away, what is broadcast is dropped and counted. */
export function createRabbitMqNodeLink(options: RabbitMqNodeLinkOptions): RabbitMqNodeLink {
  return new FanoutLink(options);
}

class FanoutLink implements RabbitMqNodeLink {
  readonly #service: string;
  readonly #node: string;
  readonly #exchange: string;
  /** All nodes of a service connect as this broker user. The broker vouches for who published a message. */
  readonly #user: string;
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
  /** How often this node told that it is there since it last heard itself. */
  #unheard = 0;
  #unconfirmedBytes = 0;
  #drops = 0;
  #dropping = false;
  #unauthorized = 0;
  #loggedAt = 0;

  constructor(options: RabbitMqNodeLinkOptions) {
    this.#service = options.service;
    this.#node = options.node;
    this.#exchange = nodesExchange(options.service);
    this.#user = brokerUser(options.url) ?? '';
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

  get refused(): string | undefined {
    return this.#link.refused?.message;
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

  get unauthorized(): number {
    return this.#unauthorized;
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
    await ensureExchange(session, this.#exchange, 'fanout');
    // A fresh name each time: after a half-open cut the broker holds the old queue locked for its dead connection.
    const queue = `${this.#exchange}.${this.#node}.${randomUUID()}`;
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
    try {
      await this.#hearFrom(channel, queue);
    } catch (error) {
      // Nobody has consumed from it, so that it would stay for as long as the connection.
      await session.scratch((deleting) => deleting.deleteQueue(queue)).catch(() => undefined);
      throw error;
    }
    // Only now: peers push to this node from the moment they hear of it, and it hears of them within one interval.
    this.#peers.heard();
    this.#unheard = 0;
    this.#tellAlive(channel);
  }

  async #hearFrom(channel: ConfirmChannel, queue: string): Promise<void> {
    await channel.bindQueue(queue, this.#exchange, '');
    // Without acknowledgements the broker would push everything at a slow node, past the queue and its bound.
    await channel.prefetch(prefetch);
    const acknowledge = acknowledgements(channel);
    await channel.consume(queue, (message) => {
      if (!message) return this.#channel.restart('the broker cancelled the consumer');
      acknowledge(message);
      this.#receive(message);
    });
  }

  get #sender(): Sender {
    return { id: this.#self, user: this.#user };
  }

  #tellAlive(channel: ConfirmChannel | undefined): void {
    if (!channel || this.#link.blocked) return;
    // An exchange that was deleted took the binding along, and nobody says so.
    if (this.#unheard >= mostUnheard) {
      this.#channel.restart('it does not hear itself');
      return;
    }
    this.#unheard += 1;
    try {
      channel.publish(this.#exchange, '', Buffer.alloc(0), alivePropertiesFrom(this.#sender));
    } catch (error) {
      this.#log.debug({ err: error }, 'the channel was lost; its successor tells that this node is there');
    }
  }

  #send(content: Buffer): void {
    const channel = this.#channelFor(content.length);
    this.#sent += 1;
    const properties = propertiesFrom(this.#sender, this.#sent);
    channel.publish(this.#exchange, '', content, properties, (error) => {
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

  /** Whoever can write here by whatever way; what it says may be made up. */
  #refuse({ properties }: ConsumeMessage): void {
    this.#unauthorized += 1;
    const now = Date.now();
    if (now - this.#loggedAt < logEveryMs) return;
    this.#loggedAt = now;
    this.#log.error(
      { security: true, publisher: properties.userId as unknown, unauthorized: this.#unauthorized },
      'messages to this node are dropped: another broker user published them',
    );
  }

  #receive(message: ConsumeMessage): void {
    if (!isFromUser(message, this.#user)) {
      this.#refuse(message);
      return;
    }
    if (isFrom(message, this.#self)) {
      this.#unheard = 0;
      return;
    }
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
