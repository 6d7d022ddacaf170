import type { AmqpLink, LinkChannel } from '@warren/amqp-link';
import type { Options } from 'amqplib';
import type { Logger } from 'pino';
import { alive, type Encoded } from '../wire.js';
import { everyNode } from './names.js';

/** Most bytes that wait for the broker's confirm. More only means that the broker can't keep up. */
const maxUnconfirmedBytes = 8 * 1024 * 1024;

export interface OutboundOptions {
  link: AmqpLink;
  channel: LinkChannel;
  exchange: string;
  /** Of the connection: the broker refuses a message that names another user. */
  user: string;
  /** Names this node in each message, for as long as its process lives. */
  sender: string;
  log: Logger;
}

/** Publishes to the other nodes, or drops and counts what the broker doesn't take at the moment. */
export class Outbound {
  readonly #options: OutboundOptions;
  #sent = 0;
  #unconfirmedBytes = 0;
  #dropped = 0;
  #isDropping = false;

  constructor(options: OutboundOptions) {
    this.#options = options;
  }

  /** Messages that never reached the broker. */
  get dropped(): number {
    return this.#dropped;
  }

  send({ content, count }: Encoded): void {
    try {
      this.#publish({ content, count });
    } catch (error) {
      this.drop(error, count);
    }
  }

  /** A sign of life has no number: if it is lost, nothing is missing. Published on `channel` while it is being set up. */
  sendAlive(channel = this.#options.channel.current): void {
    const { link, exchange, log } = this.#options;
    if (!channel || link.blocked) return;
    try {
      channel.publish(exchange, everyNode, alive, this.#properties());
    } catch (error) {
      log.debug({ err: error }, 'the channel was lost; the next one carries signs of life again');
    }
  }

  /** Logs one line for each run of drops. */
  drop(error: unknown, count = 1): void {
    this.#dropped += count;
    if (this.#isDropping) return;
    this.#isDropping = true;
    this.#options.log.warn({ err: error, dropped: this.#dropped }, 'messages to other nodes are dropped');
  }

  #publish({ content, count }: Encoded): void {
    const { link, channel, exchange } = this.#options;
    const current = channel.current;
    if (!current || link.blocked) throw new Error('the broker is away or blocks publishers');
    if (this.#unconfirmedBytes + content.length > maxUnconfirmedBytes)
      throw new Error('the broker can not keep up');
    const properties = { ...this.#properties(), correlationId: String(this.#sent + 1) };
    current.publish(exchange, everyNode, content, properties, (error) => {
      this.#unconfirmedBytes -= content.length;
      if (error) this.drop(error, count);
      else this.#isDropping = false;
    });
    this.#sent += 1;
    this.#unconfirmedBytes += content.length;
  }

  #properties(): Options.Publish {
    const { user, sender } = this.#options;
    return { contentType: 'application/json', userId: user, messageId: sender, persistent: false };
  }
}
