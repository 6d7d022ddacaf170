import { randomUUID } from 'node:crypto';
import type { AmqpLink, BrokerRefusal, ChannelSession, LinkChannel } from '@warren/amqp-link';
import { withDeadline } from '@warren/timing';
import type { ConfirmChannel, Message } from 'amqplib';
import { type BrokerAnswer, PublishError, type PublishReceipt } from '../port.js';
import { Semaphore } from '../semaphore.js';
import { declareAndVerifyExchanges } from './exchanges.js';
import type { Outgoing } from './messages.js';
import type { BrokerNames } from './names.js';
import { answerOf, publishError } from './publish-error.js';
import { Quarantine } from './quarantine.js';

const notFound = 404;

export interface PublisherOptions {
  link: AmqpLink;
  names: BrokerNames;
  /** The service that publishes. */
  service: string;
  confirmTimeoutMs: number;
  maxInFlight: number;
}

/** The current channel and what the broker has reported on it. */
interface ChannelState {
  session: ChannelSession;
  /** How many messages were returned as unroutable, by `keyOf`. */
  returned: Map<string, number>;
  /** The broker's reason for closing the channel, if that was a message. It doesn't name the message. */
  refusal: BrokerAnswer | undefined;
}

/**
 * Publishes with confirms, pipelined, with at most `maxInFlight` messages unconfirmed. If the broker refuses a message, it
 * closes the channel, and every message in flight on it may be the one that was refused: these are then sent alone, in
 * quarantine. All others go on at once on a new channel.
 */
export class Publisher {
  readonly #link: AmqpLink;
  readonly #names: BrokerNames;
  readonly #service: string;
  readonly #confirmTimeoutMs: number;
  readonly #maxInFlight: number;
  readonly #inFlight: Semaphore;
  readonly #quarantine: Quarantine;
  readonly #idleListeners: Array<() => void> = [];
  readonly #channel: LinkChannel;
  /** Calls of `send` right after the start wait for this. During later outages they are refused at once. */
  readonly #firstAttempt: Promise<void>;
  #channelState: ChannelState | undefined;
  /** Calls of `send` in progress. */
  #sending = 0;
  /** Messages whose confirm timed out and may still arrive. */
  #overdue = 0;

  constructor({ link, names, service, confirmTimeoutMs, maxInFlight }: PublisherOptions) {
    this.#link = link;
    this.#names = names;
    this.#service = service;
    this.#confirmTimeoutMs = confirmTimeoutMs;
    this.#maxInFlight = maxInFlight;
    this.#inFlight = new Semaphore(maxInFlight);
    this.#quarantine = new Quarantine({
      scratch: () => (link.blocked ? undefined : this.#channelState?.session.scratch),
      confirmTimeoutMs,
      maxWaiting: maxInFlight,
    });
    this.#channel = link.openChannel((session) => this.#setUp(session), {
      reopensAtOnce: (error) => answerOf(error) !== undefined,
    });
    this.#firstAttempt = this.#channel.attempted();
  }

  /**
   * Resolves when the broker has confirmed the message; to `unroutable` if no queue took it. Rejects with `PublishError`:
   * at once while the broker is away or blocks publishers, or when the connection is lost, the confirm is late, or the
   * broker refuses this very message.
   */
  async send(message: Outgoing): Promise<PublishReceipt> {
    this.#sending += 1;
    try {
      await this.#firstAttempt;
      if (this.#quarantine.isSuspect(message)) return await this.#quarantine.send(message);
      const receipt = await this.#sendPipelined(message);
      return receipt === 'suspect' ? await this.#quarantine.send(message) : receipt;
    } finally {
      this.#sending -= 1;
      this.#notifyIfIdle();
    }
  }

  /** Why the broker has refused this publisher since it started, which only an operator can change. */
  get refused(): BrokerRefusal | undefined {
    return this.#channel.refused;
  }

  /** Waits for the first attempt to connect. Resolves to whether messages can be published now, to valid exchanges. */
  async ready(): Promise<boolean> {
    await this.#firstAttempt;
    await this.#channel.reopening;
    return this.#channel.current !== undefined && !this.#link.blocked;
  }

  /**
   * Whether a message with this routing key reaches any queue. Sends one, so the key must be a `checkKey`: consumers drop
   * such messages. Resolves to undefined if that can't be told now. The exchange must exist.
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

  /** Waits for open confirms; rejects if some don't arrive within `withinMs` milliseconds. */
  async close(withinMs: number): Promise<void> {
    this.#inFlight.rejectWaiters(new PublishError('unavailable', 'the event bus is closed'));
    if (this.#isIdle) return;
    const idle = new Promise<void>((resolve) => this.#idleListeners.push(resolve));
    await withDeadline(idle, withinMs, 'confirms were still open');
  }

  async #setUp(session: ChannelSession): Promise<void> {
    const refusal = this.#channelState?.refusal;
    const state: ChannelState = { session, returned: new Map(), refusal: undefined };
    this.#channelState = state;
    session.channel.on('return', (message) => count(state.returned, keyOfReturned(message)));
    session.channel.on('error', (error) => {
      state.refusal = answerOf(error);
    });
    // After a refused message the exchanges are still valid, unless one is missing.
    if (!refusal || refusal.code === notFound)
      await declareAndVerifyExchanges(session, this.#names, this.#service);
  }

  /** Resolves to `suspect` if the broker refused this message or another one in flight on the same channel. */
  async #sendPipelined(message: Outgoing): Promise<PublishReceipt | 'suspect'> {
    if (!this.#channel.reopening) this.#usableChannel();
    await this.#inFlight.acquire(this.#confirmTimeoutMs);
    try {
      if (this.#channel.reopening) await this.#reopened(this.#channel.reopening);
      this.#usableChannel();
    } catch (error) {
      this.#release();
      throw error;
    }
    return this.#publish(message);
  }

  #reopened(reopening: Promise<void>): Promise<void> {
    const ms = this.#confirmTimeoutMs;
    return withDeadline(reopening, ms, new PublishError('timeout', `no channel within ${ms} ms`));
  }

  #publish(message: Outgoing): Promise<PublishReceipt | 'suspect'> {
    return new Promise((resolve, reject) => {
      let overdue = false;
      const timer = setTimeout(() => {
        overdue = true;
        reject(new PublishError('timeout', `no confirm within ${this.#confirmTimeoutMs} ms`));
        this.#countOverdue();
      }, this.#confirmTimeoutMs);
      const state = this.#channelState;
      const answered = (error: unknown) => {
        clearTimeout(timer);
        if (overdue) this.#overdue -= 1;
        this.#release();
        const wasReturned = state && uncount(state.returned, keyOf(message));
        if (!error) resolve(wasReturned ? 'unroutable' : 'confirmed');
        else if (state?.refusal) resolve('suspect');
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
    if (this.#link.blocked) throw new PublishError('unavailable', 'the broker blocks publishers');
    const channel = this.#channel.current;
    if (!channel) throw new PublishError('unavailable', 'the broker is away');
    return channel;
  }

  /**
   * An overdue message counts as in flight until the broker answers or the channel is closed. Otherwise messages would pile
   * up in a broker that confirms nothing. When half of `maxInFlight` are overdue, the channel is replaced.
   */
  #countOverdue(): void {
    this.#overdue += 1;
    if (this.#overdue * 2 >= this.#maxInFlight) this.#channel.restart('too many confirms are overdue');
  }

  #release(): void {
    this.#inFlight.release();
    this.#notifyIfIdle();
  }

  get #isIdle(): boolean {
    return this.#inFlight.acquired === 0 && this.#sending === 0;
  }

  #notifyIfIdle(): void {
    if (!this.#isIdle) return;
    for (const resolve of this.#idleListeners.splice(0)) resolve();
  }
}

// A returned message has no delivery tag. But it arrives before its confirm, so counting returned messages by key is
// enough.
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
