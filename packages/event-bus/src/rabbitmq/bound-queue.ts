import { type ChannelSession, codeOf, type LinkChannel, refusalOf } from '@warren/amqp-link';
import { withDeadline } from '@warren/timing';
import type { Logger } from 'pino';
import type { Subscription } from '../port.js';
import { isBound } from './binding-check.js';
import { declareExchanges } from './exchanges.js';
import type { BrokerNames } from './names.js';
import { PeriodicTask } from './periodic-task.js';
import type { Publisher } from './publisher.js';
import { bindQueue, declareQueues, hasQueue } from './topology.js';

const declareTimeoutMs = 10_000;
const lookTimeoutMs = 20_000;
/** Milliseconds until the next look while the queue is not known to be bound. */
const lookAgainMs = 1_000;

export interface BoundQueueOptions {
  names: BrokerNames;
  publisher: Publisher;
  subscription: Subscription;
  /** Milliseconds; one queue each. */
  retryDelays: readonly number[];
  /** Between two looks whether the queue is still bound, in milliseconds. */
  checkEveryMs: number;
  log: Logger;
}

/**
 * Keeps a service's queue declared and bound, since the broker doesn't say when an operator deletes a queue, an exchange
 * or a binding. Every loss is noted by the subscription's `watch` before it is repaired.
 */
export class BoundQueue {
  readonly #options: BoundQueueOptions;
  readonly #service: string;
  readonly #log: Logger;
  readonly #checks: PeriodicTask;
  /** The channel of the consumer, once it is set up. */
  #channel: Pick<LinkChannel, 'current'> | undefined;
  #session: ChannelSession | undefined;
  #bound = false;
  #declaring: Promise<void> | undefined;

  constructor(options: BoundQueueOptions) {
    this.#options = options;
    this.#service = options.subscription.service;
    this.#log = options.log;
    this.#checks = new PeriodicTask(() => this.#lookAgain());
  }

  /** Whether the queue was bound at the last look. */
  get bound(): boolean {
    return this.#bound;
  }

  /** Looks again and again, while `channel` is the one that was set up last. */
  watch(channel: Pick<LinkChannel, 'current'>): void {
    this.#channel = channel;
    this.#checks.start(lookAgainMs);
  }

  /** Declares and binds the queue on a new channel. Rejects if the broker refuses, or `watch` fails. */
  async setUp(session: ChannelSession): Promise<void> {
    this.#bound = false;
    this.#session = session;
    const isNew = await this.#declare(session);
    await this.#look(session, isNew);
  }

  /** Declares the queues again. Calls at the same time share one declaration. Never rejects. */
  declareAgain(): Promise<void> {
    const session = this.#session;
    if (!session) return Promise.resolve();
    this.#declaring ??= withDeadline(this.#declare(session), declareTimeoutMs, 'the broker did not answer')
      .then(() => undefined)
      .catch((error: unknown) => this.#log.debug({ err: error }, 'queues could not be declared again'))
      .finally(() => {
        this.#declaring = undefined;
      });
    return this.#declaring;
  }

  /** Waits for the look under way, for a bounded time. */
  close(): Promise<void> {
    return this.#checks.close();
  }

  /** True if the queue was missing. The loss is noted before the queue is made, so that a crash hides nothing. */
  async #declare(session: ChannelSession): Promise<boolean> {
    const { names, subscription, retryDelays } = this.#options;
    const service = this.#service;
    const look = await subscription.watch?.look();
    const isMissing = !(await hasQueue(session, names.eventsQueue(service)));
    if (isMissing) await look?.lost();
    await declareQueues(session, { names, service, retryDelays }, this.#log);
    return isMissing;
  }

  async #lookAgain(): Promise<number> {
    const { checkEveryMs } = this.#options;
    const session = this.#session;
    if (!session || this.#channel?.current !== session.channel) return lookAgainMs;
    try {
      await withDeadline(this.#look(session, false), lookTimeoutMs, 'the broker did not answer');
      return this.#bound ? checkEveryMs : Math.min(lookAgainMs, checkEveryMs);
    } catch (error) {
      // Without a code it isn't an answer of the broker: the service's database failed.
      if (refusalOf(error) ?? codeOf(error)) this.#bound = false;
      this.#log.warn({ err: error }, 'the bindings of the queue could not be checked');
      return checkEveryMs;
    }
  }

  /**
   * Checks whether the queue is bound, notes it if it isn't, and binds it.
   *
   * Binds nothing while nothing can be published: that would hide that something was lost.
   */
  async #look(session: ChannelSession, isNew: boolean): Promise<void> {
    const { names, publisher, subscription, retryDelays } = this.#options;
    const { types, watch } = subscription;
    const service = this.#service;
    if (!(await publisher.ready())) {
      this.#bound = false;
      if (publisher.refused) throw publisher.refused;
      return;
    }
    await declareExchanges(session, names);
    const look = await watch?.look();
    const wasBound = isNew ? false : await isBound(session, publisher, names, service);
    if (wasBound === undefined) {
      this.#bound = false;
      return;
    }
    if (!wasBound && !isNew) {
      this.#bound = false;
      this.#log.warn('the queue is not bound; binding it');
      await look?.lost();
      await declareQueues(session, { names, service, retryDelays }, this.#log);
    }
    await bindQueue(session, { names, service, types });
    await look?.whole();
    this.#bound = true;
  }
}
