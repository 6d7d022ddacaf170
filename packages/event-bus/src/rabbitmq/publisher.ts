import { randomUUID } from 'node:crypto';
import {
  type AmqpLink,
  type BrokerRefusal,
  type ChannelSession,
  type LinkChannel,
  within,
} from '@warren/amqp-link';
import type { ConfirmChannel, Message } from 'amqplib';
import { Places } from '../places.js';
import { type BrokerAnswer, PublishError, type PublishReceipt } from '../port.js';
import { declareAndVerifyExchanges } from './exchanges.js';
import type { Outgoing } from './messages.js';
import type { BrokerNames } from './names.js';
import { Quarantine } from './quarantine.js';
import { answerOf, publishError } from './refusal.js';

const notFound = 404;

export interface PublisherOptions {
  link: AmqpLink;
  names: BrokerNames;
  /** Who publishes. */
  service: string;
  confirmTimeoutMs: number;
  maxInFlight: number;
}

/** What is known about the channel on which messages are under way. */
interface Line {
  session: ChannelSession;
  /** Messages that came back, counted by `keyOf`. */
  returned: Map<string, number>;
  /** What the broker said when it closed the channel over one of the messages. It didn't say which. */
  spoilt: BrokerAnswer | undefined;
}

/**
 * Publishes with confirms, pipelined, never more than `maxInFlight` unanswered. A message that the broker refuses
 * costs all that are under way their channel: each of them is then sent alone, in quarantine, and everything else
 * goes on at once.
 */
export class Publisher {
  readonly #link: AmqpLink;
  readonly #names: BrokerNames;
  readonly #service: string;
  readonly #confirmTimeoutMs: number;
  readonly #maxInFlight: number;
  readonly #places: Places;
  readonly #quarantine: Quarantine;
  readonly #whenIdle: Array<() => void> = [];
  readonly #supervised: LinkChannel;
  /** Who publishes right after the start waits for the connection; later outages are told at once. */
  readonly #firstAttempt: Promise<void>;
  #line: Line | undefined;
  /** Calls of `send` that are not settled. */
  #sending = 0;
  #overdue = 0;

  constructor({ link, names, service, confirmTimeoutMs, maxInFlight }: PublisherOptions) {
    this.#link = link;
    this.#names = names;
    this.#service = service;
    this.#confirmTimeoutMs = confirmTimeoutMs;
    this.#maxInFlight = maxInFlight;
    this.#places = new Places(maxInFlight);
    this.#quarantine = new Quarantine({
      scratch: () => (link.blocked ? undefined : this.#line?.session.scratch),
      confirmTimeoutMs,
      maxWaiting: maxInFlight,
    });
    this.#supervised = link.openChannel((session) => this.#setUp(session), {
      reopensAtOnce: (error) => answerOf(error) !== undefined,
    });
    this.#firstAttempt = this.#supervised.attempted();
  }

  /**
   * Resolves once the broker has confirmed; `unroutable` if no queue took it. Rejects with `PublishError`: at once
   * while the broker is away or blocks, else when the connection is lost, when the confirm doesn't come in time, or
   * when the broker refuses this very message.
   */
  async send(message: Outgoing): Promise<PublishReceipt> {
    this.#sending += 1;
    try {
      await this.#firstAttempt;
      if (this.#quarantine.suspects(message)) return await this.#quarantine.send(message);
      const receipt = await this.#sendAmongOthers(message);
      return receipt === 'spoilt' ? await this.#quarantine.send(message) : receipt;
    } finally {
      this.#sending -= 1;
      this.#tellIfIdle();
    }
  }

  /** Why nothing can be published until an operator changes something, since this process began. */
  get refused(): BrokerRefusal | undefined {
    return this.#supervised.refused;
  }

  /** Waits for the first connection; whether something could be published now, to exchanges that are what they must be. */
  async ready(): Promise<boolean> {
    await this.#firstAttempt;
    await this.#supervised.reopening;
    return this.#supervised.current !== undefined && !this.#link.blocked;
  }

  /**
   * Whether any queue is bound to an exchange by this key, which is that of no event: whoever gets the message drops it.
   * Undefined if that can't be told now. The exchange must exist.
   */
  async reaches(exchange: string, routingKey: string): Promise<boolean | undefined> {
    const properties = { messageId: randomUUID() };
    try {
      return (
        (await this.send({ exchange, routingKey, content: Buffer.alloc(0), properties })) === 'confirmed'
      );
    } catch (error) {
      if (error instanceof PublishError) return undefined;
      throw error;
    }
  }

  /** Waits for open confirms, at most `withinMs` milliseconds; rejects if some didn't come. */
  async close(withinMs: number): Promise<void> {
    this.#places.dismiss(new PublishError('unavailable', 'the event bus is closed'));
    if (this.#isIdle) return;
    const answered = new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    await within(withinMs, answered, 'confirms were still open');
  }

  async #setUp(session: ChannelSession): Promise<void> {
    const spoilt = this.#line?.spoilt;
    const line: Line = { session, returned: new Map(), spoilt: undefined };
    this.#line = line;
    session.channel.on('return', (message) => count(line.returned, keyOfReturned(message)));
    session.channel.on('error', (error) => {
      line.spoilt = answerOf(error);
    });
    // A message that was refused says nothing about the exchanges, unless that one is missing.
    if (!spoilt || spoilt.code === notFound)
      await declareAndVerifyExchanges(session, this.#names, this.#service);
  }

  /** `spoilt`: the broker refused it, or one that was under way beside it. */
  async #sendAmongOthers(message: Outgoing): Promise<PublishReceipt | 'spoilt'> {
    if (!this.#supervised.reopening) this.#usableChannel();
    await this.#places.take(this.#confirmTimeoutMs);
    try {
      if (this.#supervised.reopening) await this.#reopened(this.#supervised.reopening);
      this.#usableChannel();
    } catch (error) {
      this.#givePlace();
      throw error;
    }
    return this.#publish(message);
  }

  #reopened(reopening: Promise<void>): Promise<void> {
    const ms = this.#confirmTimeoutMs;
    return within(ms, reopening, new PublishError('timeout', `no channel within ${ms} ms`));
  }

  #publish(message: Outgoing): Promise<PublishReceipt | 'spoilt'> {
    return new Promise((resolve, reject) => {
      let overdue = false;
      const timer = setTimeout(() => {
        overdue = true;
        reject(new PublishError('timeout', `no confirm within ${this.#confirmTimeoutMs} ms`));
        this.#countOverdue();
      }, this.#confirmTimeoutMs);
      const line = this.#line;
      const answered = (error: unknown) => {
        clearTimeout(timer);
        if (overdue) this.#overdue -= 1;
        this.#givePlace();
        const cameBack = line && uncount(line.returned, keyOf(message));
        if (!error) resolve(cameBack ? 'unroutable' : 'confirmed');
        else if (line?.spoilt) resolve('spoilt');
        else reject(publishError(error));
      };
      try {
        const channel = this.#usableChannel();
        const { exchange, routingKey, content, properties } = message;
        channel.publish(exchange, routingKey, content, { ...properties, mandatory: true }, answered);
      } catch (error) {
        answered(error);
      }
    });
  }

  #usableChannel(): ConfirmChannel {
    if (this.#link.blocked) throw new PublishError('unavailable', 'the broker takes no publishing for now');
    const channel = this.#supervised.current;
    if (!channel) throw new PublishError('unavailable', 'the broker is away');
    return channel;
  }

  /**
   * An overdue message keeps its place until the broker answers or the channel ends, or else a broker that
   * confirms nothing would pile them up. Before they take all places, a new channel is the way out.
   */
  #countOverdue(): void {
    this.#overdue += 1;
    if (this.#overdue * 2 >= this.#maxInFlight) this.#supervised.restart('too many confirms are overdue');
  }

  #givePlace(): void {
    this.#places.give();
    this.#tellIfIdle();
  }

  get #isIdle(): boolean {
    return this.#places.taken === 0 && this.#sending === 0;
  }

  #tellIfIdle(): void {
    if (!this.#isIdle) return;
    for (const tell of this.#whenIdle.splice(0)) tell();
  }
}

// A returned message carries no delivery tag. It comes back before its confirm does, so counting by what tells
// messages apart is enough.
function keyOf({ exchange, routingKey, properties }: Outgoing): string {
  return `${exchange} ${routingKey} ${properties.messageId ?? ''}`;
}

function keyOfReturned({ fields, properties }: Message): string {
  return `${fields.exchange} ${fields.routingKey} ${properties.messageId ?? ''}`;
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function uncount(counts: Map<string, number>, key: string): boolean {
  const before = counts.get(key);
  if (before === undefined) return false;
  if (before > 1) counts.set(key, before - 1);
  else counts.delete(key);
  return true;
}
