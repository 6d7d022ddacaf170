import { randomUUID } from 'node:crypto';
import { type AmqpLink, type BrokerRefusal, type LinkChannel, within } from '@warren/amqp-link';
import type { ConfirmChannel, Message } from 'amqplib';
import { Places } from '../places.js';
import { PublishError, type PublishReceipt } from '../port.js';
import { declareAndVerifyExchanges } from './exchanges.js';
import type { Outgoing } from './messages.js';

export interface PublisherOptions {
  link: AmqpLink;
  /** Who publishes. */
  service: string;
  confirmTimeoutMs: number;
  maxInFlight: number;
}

/** Publishes with confirms, pipelined, never more than `maxInFlight` unanswered. */
export class Publisher {
  readonly #link: AmqpLink;
  readonly #confirmTimeoutMs: number;
  readonly #maxInFlight: number;
  readonly #places: Places;
  readonly #whenIdle: Array<() => void> = [];
  readonly #supervised: LinkChannel;
  /** Who publishes right after the start waits for the connection; later outages are told at once. */
  readonly #firstAttempt: Promise<void>;
  /** Messages that came back, counted by `keyOf`. */
  #returned = new Map<string, number>();
  #overdue = 0;

  constructor({ link, service, confirmTimeoutMs, maxInFlight }: PublisherOptions) {
    this.#link = link;
    this.#confirmTimeoutMs = confirmTimeoutMs;
    this.#maxInFlight = maxInFlight;
    this.#places = new Places(maxInFlight);
    this.#supervised = link.openChannel(async (session) => {
      const returned = new Map<string, number>();
      this.#returned = returned;
      session.channel.on('return', (message) => count(returned, keyOfReturned(message)));
      await declareAndVerifyExchanges(session, service);
    });
    this.#firstAttempt = this.#supervised.attempted();
  }

  /**
   * Resolves once the broker has confirmed; `unroutable` if no queue took it. Rejects with `PublishError`: at once
   * while the broker is away or blocks, else when the connection is lost or the confirm doesn't come in time.
   */
  async send(message: Outgoing): Promise<PublishReceipt> {
    await this.#firstAttempt;
    this.#usableChannel();
    await this.#places.take(this.#confirmTimeoutMs);
    return this.#publish(message);
  }

  /** Why nothing can be published until an operator changes something, since this process began. */
  get refused(): BrokerRefusal | undefined {
    return this.#supervised.refused;
  }

  /** Waits for the first connection; whether something could be published now, to exchanges that are what they must be. */
  async ready(): Promise<boolean> {
    await this.#firstAttempt;
    return this.#supervised.current !== undefined && !this.#link.blocked;
  }

  /**
   * Whether a queue is bound to an exchange by this key, which is of no event: its owner drops what comes by it.
   * Undefined where that can't be told now. The exchange must exist.
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
    this.#places.dismiss(new PublishError('the event bus is closed'));
    if (this.#places.taken === 0) return;
    const answered = new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    await within(withinMs, answered, 'confirms were still open');
  }

  #publish(message: Outgoing): Promise<PublishReceipt> {
    return new Promise((resolve, reject) => {
      let overdue = false;
      const timer = setTimeout(() => {
        overdue = true;
        reject(new PublishError(`no confirm within ${this.#confirmTimeoutMs} ms`));
        this.#countOverdue();
      }, this.#confirmTimeoutMs);
      const returned = this.#returned;
      const answered = (error: unknown) => {
        clearTimeout(timer);
        if (overdue) this.#overdue -= 1;
        this.#givePlace();
        const cameBack = uncount(returned, keyOf(message));
        if (error) reject(new PublishError('the broker did not confirm', { cause: error }));
        else resolve(cameBack ? 'unroutable' : 'confirmed');
      };
      try {
        // The broker may have gone while this one waited for its place.
        const channel = this.#usableChannel();
        const { exchange, routingKey, content, properties } = message;
        channel.publish(exchange, routingKey, content, { ...properties, mandatory: true }, answered);
      } catch (error) {
        answered(error);
      }
    });
  }

  #usableChannel(): ConfirmChannel {
    if (this.#link.blocked) throw new PublishError('the broker takes no publishing for now');
    const channel = this.#supervised.current;
    if (!channel) throw new PublishError('the broker is away');
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
    if (this.#places.taken > 0) return;
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
