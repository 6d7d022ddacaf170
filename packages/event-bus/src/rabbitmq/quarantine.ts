import { type ChannelSession, within } from '@warren/amqp-link';
import type { ConfirmChannel } from 'amqplib';
import { PublishError, type PublishReceipt } from '../port.js';
import type { Outgoing } from './messages.js';
import { publishAlone } from './publish-alone.js';
import { publishError } from './refusal.js';

export interface QuarantineOptions {
  /** Opens a channel of its own; `undefined` while the broker is away or blocks publishers. */
  scratch(): ChannelSession['scratch'] | undefined;
  /** For one confirm, and for the wait before it. */
  confirmTimeoutMs: number;
  /** Most messages that wait. */
  maxWaiting: number;
}

interface Suspect {
  message: Outgoing;
  settle(outcome: Promise<PublishReceipt>): void;
}

/** Channels at a time, each with one message: a burst that lost its channel must not wait for one confirm after the other. */
const lanes = 4;
/** So long a routing key that the broker refused is refused here, without asking again. */
const refusedForMs = 1_000;
const keysKept = 1_000;
const accessRefused = 403;

/**
 * Messages that may have cost others their channel. Each is sent on a channel on which nothing else is under way, so
 * that a refusal is surely about it. Routing keys that were refused are remembered: what has one doesn't get near the
 * others again until the broker takes such a message.
 */
export class Quarantine {
  readonly #options: QuarantineOptions;
  readonly #waiting: Suspect[] = [];
  readonly #refused = new Map<string, { error: PublishError; at: number }>();
  #running = 0;

  constructor(options: QuarantineOptions) {
    this.#options = options;
  }

  /** A message like this one was refused, and none was taken since. */
  suspects(message: Outgoing): boolean {
    return this.#refused.has(keyOf(message));
  }

  /** Settles when the broker has answered about this very message. Rejects with `PublishError`. */
  send(message: Outgoing): Promise<PublishReceipt> {
    const refused = this.#refusedLately(message);
    if (refused) return Promise.reject(refused);
    const { maxWaiting, confirmTimeoutMs } = this.#options;
    if (this.#waiting.length >= maxWaiting) {
      return Promise.reject(new PublishError('unavailable', 'too many messages wait to be sent alone'));
    }
    return new Promise((resolve, reject) => {
      const suspect = {
        message,
        settle(outcome: Promise<PublishReceipt>) {
          clearTimeout(timer);
          outcome.then(resolve, reject);
        },
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(suspect), 1);
        reject(new PublishError('timeout', `not sent alone within ${confirmTimeoutMs} ms`));
      }, confirmTimeoutMs);
      this.#waiting.push(suspect);
      if (this.#running < lanes) void this.#run();
    });
  }

  #refusedLately(message: Outgoing): PublishError | undefined {
    const refused = this.#refused.get(keyOf(message));
    if (!refused || Date.now() - refused.at >= refusedForMs) return undefined;
    const { kind, message: text, answer, cause } = refused.error;
    return new PublishError(kind, text, { answer, cause });
  }

  /** One lane. Those that were only near a refused message come first. */
  #next(): Suspect | undefined {
    const innocent = this.#waiting.findIndex(({ message }) => !this.suspects(message));
    return this.#waiting.splice(Math.max(innocent, 0), 1)[0];
  }

  async #run(): Promise<void> {
    this.#running += 1;
    try {
      while (this.#waiting.length > 0) await this.#sendOnOneChannel();
    } finally {
      this.#running -= 1;
    }
  }

  async #sendOnOneChannel(): Promise<void> {
    const scratch = this.#options.scratch();
    try {
      if (!scratch) throw new Error('the broker is away');
      await scratch((channel) => this.#sendUntilRefused(channel));
    } catch (error) {
      for (const { settle } of this.#waiting.splice(0)) settle(Promise.reject(publishError(error)));
    }
  }

  async #sendUntilRefused(channel: ConfirmChannel): Promise<void> {
    for (let suspect = this.#next(); suspect; suspect = this.#next()) {
      const { message, settle } = suspect;
      const refused = this.#refusedLately(message);
      const outcome = refused ? Promise.reject(refused) : this.#ask(channel, message);
      settle(outcome);
      const isUsable = await outcome.then(
        () => true,
        () => refused !== undefined,
      );
      if (!isUsable) return;
    }
  }

  async #ask(channel: ConfirmChannel, message: Outgoing): Promise<PublishReceipt> {
    const { confirmTimeoutMs } = this.#options;
    const key = keyOf(message);
    try {
      const late = new PublishError('timeout', `no confirm within ${confirmTimeoutMs} ms`);
      const receipt = await within(confirmTimeoutMs, publishAlone(channel, message), late);
      this.#refused.delete(key);
      return receipt;
    } catch (error) {
      const known = publishError(error);
      if (known.answer?.code === accessRefused) this.#remember(key, known);
      throw known;
    }
  }

  #remember(key: string, error: PublishError): void {
    this.#refused.delete(key);
    this.#refused.set(key, { error, at: Date.now() });
    if (this.#refused.size <= keysKept) return;
    const [oldest] = this.#refused.keys();
    if (oldest !== undefined) this.#refused.delete(oldest);
  }
}

/** What permissions go by. */
function keyOf({ exchange, routingKey }: Outgoing): string {
  return `${exchange} ${routingKey}`;
}
