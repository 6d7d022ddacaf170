import { randomUUID } from 'node:crypto';
import type { AmqpLink, ChannelSession, LinkChannel } from '@warren/amqp-link';
import type { ConsumeMessage } from 'amqplib';
import type { Logger } from 'pino';
import type { Listener } from '../port.js';
import type { PublisherCheck } from './publishers.js';
import { declareExchanges, eventsExchange } from './topology.js';

/** What the broker keeps for a listener that is busy; the oldest are dropped first. */
const maxQueueLength = 10_000;

/** A queue of one instance's own, which goes away with its connection. */
export class Listening {
  readonly #listener: Listener;
  readonly #check: PublisherCheck;
  readonly #log: Logger;
  readonly #channel: LinkChannel;

  constructor({
    link,
    listener,
    check,
    log,
  }: {
    link: AmqpLink;
    listener: Listener;
    check: PublisherCheck;
    log: Logger;
  }) {
    this.#listener = listener;
    this.#check = check;
    this.#log = log;
    this.#channel = link.openChannel((session) => this.#setUp(session));
  }

  /** Resolves once it hears, or once it is clear that the broker has to come back first. */
  started(): Promise<void> {
    return this.#channel.attempted();
  }

  close(): Promise<void> {
    return this.#channel.close();
  }

  async #setUp(session: ChannelSession): Promise<void> {
    const { channel } = session;
    const { service, types } = this.#listener;
    await declareExchanges(session);
    // A fresh name each time: after a half-open cut the broker holds the old queue locked for its dead connection.
    const queue = `warren.${service}.listening.${randomUUID()}`;
    await channel.assertQueue(queue, {
      exclusive: true,
      autoDelete: true,
      durable: false,
      arguments: { 'x-queue-type': 'classic', 'x-max-length': maxQueueLength, 'x-overflow': 'drop-head' },
    });
    for (const type of types) await channel.bindQueue(queue, eventsExchange, type);
    await channel.consume(queue, (message) => this.#hear(message), { noAck: true });
    this.#tell(() => this.#listener.began());
  }

  #hear(message: ConsumeMessage | null): void {
    if (!message) {
      this.#channel.restart('the broker cancelled the listener');
      return;
    }
    const { fields, content } = message;
    if (this.#check.refusal(message, fields.routingKey, this.#listener.service)) return;
    this.#tell(() => this.#listener.heard({ type: fields.routingKey, body: content.toString('utf8') }));
  }

  /** A listener that throws must not take the connection of all others with it. */
  #tell(what: () => void): void {
    try {
      what();
    } catch (error) {
      this.#log.error({ err: error }, 'a listener failed');
    }
  }
}
