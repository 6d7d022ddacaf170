import type { AmqpLink, ChannelSession, LinkChannel } from '@warren/amqp-link';
import { backOffMs, fullyJittered, withDeadline } from '@warren/timing';
import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import type { Logger } from 'pino';
import {
  type Held,
  Intake,
  type IntakeLimits,
  intakeLimits,
  retryBackOff,
  type Settlement,
} from '../intake.js';
import { nextStep } from '../next-step.js';
import { PublishError, type Subscription } from '../port.js';
import { BoundQueue } from './bound-queue.js';
import {
  type ConsumerIdentity,
  deliveryOf,
  type Outgoing,
  postponedOf,
  propertiesForDead,
  propertiesForRetry,
} from './messages.js';
import type { BrokerNames } from './names.js';
import type { Publisher } from './publisher.js';
import type { PublisherCheck } from './publisher-check.js';
import { isCheck } from './topology.js';

interface HeldMessage extends Held {
  message: ConsumeMessage;
  channel: ConfirmChannel;
}

type Move = 'moved' | 'not-yet' | 'refused';

export interface ConsumerOptions {
  link: AmqpLink;
  names: BrokerNames;
  publisher: Publisher;
  /** The user of the bus's connections. */
  user: string;
  check: PublisherCheck;
  subscription: Subscription;
  retryDelays: readonly number[];
  /** Between two looks whether the queue is still bound, in milliseconds. */
  checkEveryMs: number;
  log: Logger;
}

/** One subscription: takes from the service's queue and settles each delivery as the handler decides. */
export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #limits: IntakeLimits;
  readonly #service: string;
  readonly #self: ConsumerIdentity;
  readonly #queue: BoundQueue;
  readonly #log: Logger;
  readonly #intake: Intake<HeldMessage>;
  readonly #channel: LinkChannel;
  readonly #held = new Set<HeldMessage>();
  /** Deliveries that can't be moved to another queue for now. */
  #stuck = 0;
  #consuming: { channel: ConfirmChannel; tag: string } | undefined;

  constructor(options: ConsumerOptions) {
    const { link, names, subscription } = options;
    this.#options = options;
    this.#service = subscription.service;
    this.#self = { service: subscription.service, user: options.user, names };
    this.#limits = intakeLimits(subscription);
    this.#log = options.log.child({ queue: names.eventsQueue(subscription.service) });
    this.#queue = new BoundQueue({ ...options, log: this.#log });
    this.#intake = new Intake<HeldMessage>({
      subscription,
      limits: this.#limits,
      settle: (batch, settlements) => this.#settle(batch, settlements),
      onResumed: () => this.#takeAgain(),
      log: this.#log,
    });
    this.#channel = link.openChannel((session) => this.#setUp(session));
    this.#queue.watch(this.#channel);
  }

  /** Whether the queue was bound at the last look. */
  get bound(): boolean {
    return this.#queue.bound;
  }

  /** Resolves once it takes deliveries, or once it is clear that the broker has to come back first. */
  started(): Promise<void> {
    return this.#channel.attempted();
  }

  /** Takes nothing more, lets the batch in hand finish, gives the rest back. Rejects if that takes too long. */
  async close(withinMs: number): Promise<void> {
    try {
      await Promise.all([this.#intake.close(withinMs), this.#stopTaking(), this.#queue.close()]);
    } finally {
      await this.#channel.close();
    }
  }

  async #setUp(session: ChannelSession): Promise<void> {
    await session.channel.prefetch(this.#limits.prefetch);
    session.channel.once('close', () => this.#forget(session.channel));
    await this.#queue.setUp(session);
    await this.#take(session.channel);
  }

  /**
   * While the service can't work, a new channel takes nothing: the broker closes a channel that holds messages for
   * half an hour, and each time counts as a delivery of all of them.
   */
  async #take(channel: ConfirmChannel): Promise<void> {
    if (this.#intake.closed || this.#intake.paused || this.#stuck > 0) return;
    if (this.#consuming?.channel === channel) return;
    const consuming = { channel, tag: '' };
    this.#consuming = consuming;
    const { consumerTag } = await channel.consume(this.#self.names.eventsQueue(this.#service), (message) => {
      if (message) this.#push(channel, message);
      else this.#channel.restart('the broker cancelled the consumer');
    });
    consuming.tag = consumerTag;
  }

  #takeAgain(): void {
    const channel = this.#channel.current;
    if (!channel) return;
    this.#take(channel).catch((error: unknown) => {
      this.#log.warn({ err: error }, 'the consumer could not be resumed');
      this.#channel.restart('the consumer could not be resumed');
    });
  }

  #push(channel: ConfirmChannel, message: ConsumeMessage): void {
    const delivery = deliveryOf(message, this.#self);
    if (isCheck(this.#service, delivery.type)) {
      channel.ack(message);
      return;
    }
    const { check } = this.#options;
    const publisher = check.publisher(message, this.#service);
    const refusal = check.refusal(message, delivery.type, this.#service);
    const held: HeldMessage = {
      delivery: publisher === undefined ? delivery : { ...delivery, publisher },
      gone: false,
      message,
      channel,
      ...(refusal && { decided: { kind: 'dead', reason: 'unauthorized-publisher', error: refusal } }),
    };
    this.#held.add(held);
    this.#intake.push(held);
  }

  #forget(channel: ConfirmChannel): void {
    if (this.#consuming?.channel === channel) this.#consuming = undefined;
    for (const held of this.#held) {
      if (held.channel !== channel) continue;
      held.gone = true;
      this.#held.delete(held);
    }
  }

  async #stopTaking(): Promise<void> {
    const consuming = this.#consuming;
    if (!consuming?.tag) return;
    try {
      await withDeadline(consuming.channel.cancel(consuming.tag), 3_000, 'the broker did not answer');
    } catch (error) {
      this.#log.debug({ err: error }, 'the consumer could not be cancelled; its channel is closed instead');
    }
  }

  async #settle(batch: readonly HeldMessage[], settlements: readonly Settlement[]): Promise<void> {
    if (settlements.every(({ kind }) => kind === 'done')) return this.#acknowledgeAll(batch);
    await Promise.all(
      batch.map(async (held, index) => {
        const settlement = settlements[index];
        if (settlement && (await this.#isDoneWith(held, settlement))) this.#acknowledge(held);
      }),
    );
  }

  /** Acknowledges with one frame if the batch holds the oldest unsettled deliveries of its channel. */
  #acknowledgeAll(batch: readonly HeldMessage[]): void {
    const last = batch.at(-1);
    if (!last || !this.#isOldest(batch)) {
      for (const held of batch) this.#acknowledge(held);
      return;
    }
    this.#acknowledge(last, true);
    for (const held of batch) this.#held.delete(held);
  }

  /** Whether no other unsettled delivery came before or between these, and all are of one channel. */
  #isOldest(batch: readonly HeldMessage[]): boolean {
    let index = 0;
    for (const held of this.#held) {
      if (index === batch.length) break;
      if (held !== batch[index++]) return false;
    }
    return index === batch.length && batch.every(({ channel }) => channel === batch[0]?.channel);
  }

  #acknowledge(held: HeldMessage, andEarlier = false): void {
    if (held.gone) return;
    this.#held.delete(held);
    try {
      held.channel.ack(held.message, andEarlier);
    } catch (error) {
      this.#log.debug(
        { err: error },
        'the channel was lost before an acknowledgement; the event is delivered again',
      );
    }
  }

  /** Resolves to true once the queue needn't keep the delivery. */
  async #isDoneWith(held: HeldMessage, settlement: Settlement): Promise<boolean> {
    if (settlement.kind === 'done') return true;
    const outgoing = this.#outgoing(held, settlement);
    let moved = await this.#move(outgoing);
    if (moved === 'not-yet') {
      this.#stuck += 1;
      moved = await this.#moveLater(held, outgoing);
      this.#stuck -= 1;
      this.#takeAgain();
    }
    if (moved === 'refused') this.#reject(held, settlement);
    return moved === 'moved';
  }

  /**
   * The broker will refuse this move again, and a held delivery takes a place of the prefetch. A rejected delivery is
   * moved to the dead letters by the broker itself, without the service's permissions.
   */
  #reject(held: HeldMessage, { error }: Exclude<Settlement, { kind: 'done' }>): void {
    if (held.gone) return;
    const { id, type, attempt } = held.delivery;
    this.#log.error(
      { id, type, attempt, err: error },
      'the broker refuses to move this event; it becomes a dead letter without its reason',
    );
    this.#held.delete(held);
    try {
      held.channel.reject(held.message, false);
    } catch (cause) {
      this.#log.debug(
        { err: cause },
        'the channel was lost before a rejection; the event is delivered again',
      );
    }
  }

  #outgoing({ message, delivery }: HeldMessage, settlement: Exclude<Settlement, { kind: 'done' }>): Outgoing {
    const { id, type, attempt } = delivery;
    const { names } = this.#self;
    const about = { id, type, attempt, err: settlement.error };
    const step = nextStep(
      settlement,
      { attempt, postponed: postponedOf(message, this.#self) },
      this.#options.retryDelays,
    );
    if (step.kind === 'again') {
      const { delay, postponed } = step;
      this.#log.warn({ ...about, delay, postponed }, 'handling failed; the event is delivered again later');
      return {
        exchange: names.failuresExchange(this.#service),
        routingKey: names.retryQueue(this.#service, delay),
        content: message.content,
        properties: propertiesForRetry(message, delivery, step, this.#self),
      };
    }
    this.#log.error({ ...about, reason: step.reason }, 'the event becomes a dead letter');
    return {
      exchange: names.failuresExchange(this.#service),
      routingKey: names.deadQueue(this.#service),
      content: message.content,
      properties: propertiesForDead(message, delivery, step.reason, settlement.error, this.#self),
    };
  }

  /** Holds the delivery and tries again: giving it back to the queue would count as a crash. */
  async #moveLater(held: HeldMessage, outgoing: Outgoing): Promise<Move> {
    for (let failures = 1; !held.gone && !this.#intake.closed; failures += 1) {
      await this.#intake.sleep(fullyJittered(backOffMs(failures, retryBackOff)));
      if (held.gone) break;
      // If a queue, an exchange or a binding was deleted, no later attempt would succeed either.
      await this.#queue.declareAgain();
      const moved = await this.#move(outgoing);
      if (moved !== 'not-yet') return moved;
    }
    return 'not-yet';
  }

  async #move(outgoing: Outgoing): Promise<Move> {
    try {
      if ((await this.#options.publisher.send(outgoing)) === 'confirmed') return 'moved';
      this.#log.warn({ to: outgoing.routingKey }, 'a delivery could not be moved: the queue is missing');
    } catch (error) {
      this.#log.warn({ err: error, to: outgoing.routingKey }, 'a delivery could not be moved');
      if (error instanceof PublishError && error.kind === 'refused') return 'refused';
    }
    return 'not-yet';
  }
}
