import type { ChannelSession } from '@warren/amqp-link';
import { withDeadline } from '@warren/timing';
import type { ConfirmChannel } from 'amqplib';
import { PublishError, type PublishReceipt } from '../port.js';
import type { Outgoing } from './messages.js';
import { publishAlone } from './publish-alone.js';
import { publishError } from './publish-error.js';

export interface QuarantineOptions {
  /** Opens a new channel; undefined while the broker is away or blocks publishers. */
  scratch(): ChannelSession['scratch'] | undefined;
  /** The time-out for one confirm, and for the wait before it. */
  confirmTimeoutMs: number;
  /** The messages that may wait. */
  maxWaiting: number;
}

/** A message that may be the one the broker refuses. */
interface Suspect {
  message: Outgoing;
  settle(outcome: Promise<PublishReceipt>): void;
}

/** Channels that send one message each at the same time, so that a burst is not sent one confirm after another. */
const maxChannels = 4;
/** Milliseconds for which a routing key that the broker refused is refused here, without asking the broker again. */
const refusedForMs = 1_000;
/** The refused routing keys that are remembered. */
const maxKeys = 1_000;
const accessRefused = 403;

/**
 * Sends suspects alone: each on a channel on which nothing else is in flight, so that a refusal is about this message.
 * When the broker refuses a message, it closes the channel, and all messages in flight on it are lost with it.
 *
 * Refused routing keys are remembered. Messages with such a key are sent alone until the broker accepts one of them.
 */
export class Quarantine {
  readonly #options: QuarantineOptions;
  readonly #waiting: Suspect[] = [];
  readonly #refused = new Map<string, { error: PublishError; at: number }>();
  #running = 0;

  constructor(options: QuarantineOptions) {
    this.#options = options;
  }

  /** Whether a message with this routing key was refused, and none was accepted since. */
  isSuspect(message: Outgoing): boolean {
    return this.#refused.has(keyOf(message));
  }

  /** Sends a message alone. Rejects with `PublishError`. */
  send(message: Outgoing): Promise<PublishReceipt> {
    const refused = this.#recentRefusal(message);
    if (refused) return Promise.reject(refused);
    const { maxWaiting, confirmTimeoutMs } = this.#options;
    if (this.#waiting.length >= maxWaiting) {
      return Promise.reject(
        new PublishError('unavailable', 'too many messages are waiting to be sent alone'),
      );
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
      if (this.#running < maxChannels) void this.#run();
    });
  }

  #recentRefusal(message: Outgoing): PublishError | undefined {
    const refused = this.#refused.get(keyOf(message));
    if (!refused || Date.now() - refused.at >= refusedForMs) return undefined;
    const { kind, message: text, answer, cause } = refused.error;
    return new PublishError(kind, text, { answer, cause });
  }

  /** Takes the next one out. Messages whose routing key was never refused come first. */
  #next(): Suspect | undefined {
    const neverRefused = this.#waiting.findIndex(({ message }) => !this.isSuspect(message));
    return this.#waiting.splice(Math.max(neverRefused, 0), 1)[0];
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
      const refused = this.#recentRefusal(message);
      const outcome = refused ? Promise.reject(refused) : this.#sendAlone(channel, message);
      settle(outcome);
      const isUsable = await outcome.then(
        () => true,
        () => refused !== undefined,
      );
      if (!isUsable) return;
    }
  }

  async #sendAlone(channel: ConfirmChannel, message: Outgoing): Promise<PublishReceipt> {
    const { confirmTimeoutMs } = this.#options;
    const key = keyOf(message);
    try {
      const late = new PublishError('timeout', `no confirm within ${confirmTimeoutMs} ms`);
      const receipt = await withDeadline(publishAlone(channel, message), confirmTimeoutMs, late);
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
    if (this.#refused.size <= maxKeys) return;
    const [oldest] = this.#refused.keys();
    if (oldest !== undefined) this.#refused.delete(oldest);
  }
}

/** The broker's permissions depend on these. */
function keyOf({ exchange, routingKey }: Outgoing): string {
  return `${exchange} ${routingKey}`;
}
