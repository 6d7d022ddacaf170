import { randomUUID } from 'node:crypto';
import { type AmqpLink, type ChannelSession, type LinkChannel, within } from '@warren/amqp-link';
import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import type { Logger } from 'pino';
import type { Listener } from '../port.js';
import { declareExchanges } from './exchanges.js';
import type { BrokerNames } from './names.js';
import { PeriodicTask } from './periodic-task.js';
import type { Publisher } from './publisher.js';
import type { PublisherCheck } from './publisher-check.js';
import { checkKey, isCheck } from './topology.js';

/** What the broker keeps for a listener that is busy; the oldest are dropped first. */
const maxQueueLength = 10_000;

const lookTimeoutMs = 20_000;
/** Milliseconds within which a check that the broker has taken must arrive. */
const hearTimeoutMs = 5_000;

export interface ListeningOptions {
  names: BrokerNames;
  link: AmqpLink;
  publisher: Publisher;
  listener: Listener;
  check: PublisherCheck;
  /** Between two looks whether the queue is still bound, in milliseconds. */
  checkEveryMs: number;
  log: Logger;
}

interface OwnQueue {
  name: string;
  /** By which nothing else is bound. */
  key: string;
  session: ChannelSession;
}

/** A queue of one instance's own, which goes away with its connection. */
export class Listening {
  readonly #options: ListeningOptions;
  readonly #listener: Listener;
  readonly #check: PublisherCheck;
  readonly #log: Logger;
  readonly #channel: LinkChannel;
  readonly #checks: PeriodicTask;
  #queue: OwnQueue | undefined;
  /** Called for each check that arrives. */
  #checkHeard: () => void = () => undefined;

  constructor(options: ListeningOptions) {
    this.#options = options;
    this.#listener = options.listener;
    this.#check = options.check;
    this.#log = options.log;
    this.#channel = options.link.openChannel((session) => this.#setUp(session));
    this.#checks = new PeriodicTask(() => this.#lookAgain());
    this.#checks.start(options.checkEveryMs);
  }

  /** Resolves once it hears, or once it is clear that the broker has to come back first. */
  started(): Promise<void> {
    return this.#channel.attempted();
  }

  async close(): Promise<void> {
    await this.#checks.close();
    await this.#channel.close();
  }

  async #setUp(session: ChannelSession): Promise<void> {
    const { channel } = session;
    const { service } = this.#listener;
    await this.#options.publisher.ready();
    if (this.#options.publisher.refused) throw this.#options.publisher.refused;
    await declareExchanges(session, this.#options.names);
    // A fresh name each time: after a half-open cut the broker holds the old queue locked for its dead connection.
    const id = randomUUID();
    const name = this.#options.names.listeningQueue(service, id);
    const key = checkKey(service, id);
    await channel.assertQueue(name, {
      exclusive: true,
      autoDelete: true,
      durable: false,
      arguments: { 'x-queue-type': 'classic', 'x-max-length': maxQueueLength, 'x-overflow': 'drop-head' },
    });
    try {
      await this.#bind(channel, name, key);
      await channel.consume(name, (message) => this.#hear(message), { noAck: true });
    } catch (error) {
      // Nobody has consumed from it, so that it would stay for as long as the connection.
      await session.scratch((deleting) => deleting.deleteQueue(name)).catch(() => undefined);
      throw error;
    }
    this.#queue = { name, key, session };
    this.#tell(() => this.#listener.began());
  }

  async #bind(channel: ConfirmChannel, queue: string, key: string): Promise<void> {
    for (const type of this.#listener.types)
      await channel.bindQueue(queue, this.#options.names.eventsExchange, type);
    await channel.bindQueue(queue, this.#options.names.eventsExchange, key);
  }

  /** An exchange that was deleted took the bindings along, and nobody says so. */
  async #lookAgain(): Promise<number> {
    const { publisher, checkEveryMs } = this.#options;
    const queue = this.#queue;
    if (!queue || this.#channel.current !== queue.session.channel) return checkEveryMs;
    try {
      await within(lookTimeoutMs, this.#look(publisher, queue), 'the broker did not answer');
    } catch (error) {
      this.#log.warn({ err: error, queue: queue.name }, 'the bindings of a listener could not be looked at');
    }
    return checkEveryMs;
  }

  async #look(publisher: Publisher, { session, name, key }: OwnQueue): Promise<void> {
    await declareExchanges(session, this.#options.names);
    const heard = new Promise<void>((resolve) => {
      this.#checkHeard = resolve;
    });
    // A check that isn't returned is in some queue, perhaps one that somebody bound to everything. So it must arrive here.
    const reached =
      (await publisher.reaches(this.#options.names.eventsExchange, key)) && (await isInTime(heard));
    if (reached === false) this.#channel.restart('its bindings are gone');
    else if (reached) await session.scratch((channel) => this.#bind(channel, name, key));
  }

  #hear(message: ConsumeMessage | null): void {
    if (!message) {
      this.#channel.restart('the broker cancelled the listener');
      return;
    }
    const { fields, content } = message;
    if (isCheck(this.#listener.service, fields.routingKey)) {
      this.#checkHeard();
      return;
    }
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

function isInTime(heard: Promise<void>): Promise<boolean> {
  return within(hearTimeoutMs, heard, 'the check was not heard').then(
    () => true,
    () => false,
  );
}
