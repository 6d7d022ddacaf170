import {
  type AmqpLink,
  backOffDelay,
  type ChannelSession,
  codeOf,
  type LinkChannel,
  refusalOf,
  within,
} from '@warren/amqp-link';
import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import type { Logger } from 'pino';
import { type Held, Intake, type Settlement } from '../intake.js';
import { type IntakeLimits, intakeLimits } from '../limits.js';
import { nextStep } from '../next-step.js';
import { PublishError, type Subscription } from '../port.js';
import { isBound } from './binding-check.js';
import { declareExchanges } from './exchanges.js';
import {
  deliveryOf,
  type Outgoing,
  type Own,
  postponedOf,
  propertiesForDead,
  propertiesForRetry,
} from './messages.js';
import type { Publisher } from './publisher.js';
import type { PublisherCheck } from './publishers.js';
import { Rounds } from './rounds.js';
import {
  bindQueue,
  deadQueue,
  declareQueues,
  eventsQueue,
  failuresExchange,
  hasQueue,
  isCheck,
  retryQueue,
} from './topology.js';

interface HeldMessage extends Held {
  message: ConsumeMessage;
  channel: ConfirmChannel;
}

const declareTimeoutMs = 10_000;
const lookTimeoutMs = 20_000;
/** After a look that could not tell: nothing was bound since. */
const lookAgainMs = 1_000;

type Move = 'moved' | 'not-yet' | 'refused';

export interface ConsumerOptions {
  link: AmqpLink;
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

/** One subscription: takes from the service's queue and carries out what its handler decides. */
export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #limits: IntakeLimits;
  readonly #service: string;
  readonly #own: Own;
  readonly #log: Logger;
  readonly #intake: Intake<HeldMessage>;
  readonly #supervised: LinkChannel;
  readonly #held = new Set<HeldMessage>();
  readonly #rounds: Rounds;
  /** Deliveries that can't be moved to another queue for now. */
  #stuck = 0;
  #consuming: { channel: ConfirmChannel; tag: string } | undefined;
  /** Declares the queues again, on the newest channel. */
  #declare: () => Promise<void> = async () => undefined;
  #session: ChannelSession | undefined;
  #bound = false;
  #bringingBack: Promise<void> | undefined;

  constructor(options: ConsumerOptions) {
    const { link, subscription } = options;
    this.#options = options;
    this.#service = subscription.service;
    this.#own = { service: subscription.service, user: options.user };
    this.#limits = intakeLimits(subscription);
    this.#log = options.log.child({ queue: eventsQueue(subscription.service) });
    this.#intake = new Intake<HeldMessage>({
      subscription,
      limits: this.#limits,
      settle: (batch, settlements) => this.#settle(batch, settlements),
      onResumed: () => this.#takeAgain(),
      log: this.#log,
    });
    this.#supervised = link.openChannel((session) => this.#setUp(session));
    this.#rounds = new Rounds(() => this.#lookAgain());
    this.#rounds.start(lookAgainMs);
  }

  /** The queue is bound, as far as was seen at the last look. */
  get bound(): boolean {
    return this.#bound;
  }

  /** Resolves once it takes, or once it is clear that the broker has to come back first. */
  started(): Promise<void> {
    return this.#supervised.attempted();
  }

  /** Takes nothing more, lets the batch in hand finish, gives the rest back. Rejects if that lasts too long. */
  async close(withinMs: number): Promise<void> {
    try {
      await Promise.all([this.#intake.close(withinMs), this.#stopTaking(), this.#rounds.close()]);
    } finally {
      await this.#supervised.close();
    }
  }

  async #setUp(session: ChannelSession): Promise<void> {
    this.#bound = false;
    this.#declare = async () => void (await this.#declareQueues(session));
    const isNew = await this.#declareQueues(session);
    await session.channel.prefetch(this.#limits.prefetch);
    session.channel.once('close', () => this.#forget(session.channel));
    await this.#look(session, isNew);
    await this.#take(session.channel);
    this.#session = session;
  }

  /** True if the queue was missing. What was lost with it is noted before it is made: a crash then hides nothing. */
  async #declareQueues(session: ChannelSession): Promise<boolean> {
    const { subscription, retryDelays } = this.#options;
    const service = this.#service;
    const look = await subscription.watch?.look();
    const isMissing = !(await hasQueue(session, service));
    if (isMissing) await look?.lost();
    await declareQueues(session, { service, retryDelays }, this.#log);
    return isMissing;
  }

  async #lookAgain(): Promise<number> {
    const { checkEveryMs } = this.#options;
    const session = this.#session;
    if (!session || this.#supervised.current !== session.channel) return lookAgainMs;
    try {
      await within(lookTimeoutMs, this.#look(session, false), 'the broker did not answer');
      return this.#bound ? checkEveryMs : Math.min(lookAgainMs, checkEveryMs);
    } catch (error) {
      // Anything else is said of the service's database.
      if (refusalOf(error) ?? codeOf(error)) this.#bound = false;
      this.#log.warn({ err: error }, 'the bindings of the queue could not be looked at');
      return checkEveryMs;
    }
  }

  /**
   * Sees whether the queue is bound, notes it where it isn't, and binds it.
   *
   * Binds nothing while nothing can be published: that would hide that something was lost.
   */
  async #look(session: ChannelSession, isNew: boolean): Promise<void> {
    const { publisher, subscription, retryDelays } = this.#options;
    const { types, watch } = subscription;
    if (!(await publisher.ready())) {
      this.#bound = false;
      if (publisher.refused) throw publisher.refused;
      return;
    }
    await declareExchanges(session);
    const look = await watch?.look();
    const wasBound = isNew ? false : await isBound(session, publisher, this.#service);
    if (wasBound === undefined) {
      this.#bound = false;
      return;
    }
    if (!wasBound && !isNew) {
      this.#bound = false;
      this.#log.warn('the queue is not bound; binding it');
      await look?.lost();
      await declareQueues(session, { service: this.#service, retryDelays }, this.#log);
    }
    await bindQueue(session, { service: this.#service, types });
    await look?.whole();
    this.#bound = true;
  }

  /**
   * While the service can't work, a new channel takes nothing: the broker closes channels that hold messages for
   * half an hour, and each time would count as a delivery of all of them.
   */
  async #take(channel: ConfirmChannel): Promise<void> {
    if (this.#intake.closed || this.#intake.paused || this.#stuck > 0) return;
    if (this.#consuming?.channel === channel) return;
    const consuming = { channel, tag: '' };
    this.#consuming = consuming;
    const { consumerTag } = await channel.consume(eventsQueue(this.#service), (message) => {
      if (message) this.#push(channel, message);
      else this.#supervised.restart('the broker cancelled the consumer');
    });
    consuming.tag = consumerTag;
  }

  #takeAgain(): void {
    const channel = this.#supervised.current;
    if (!channel) return;
    this.#take(channel).catch((error: unknown) => {
      this.#log.warn({ err: error }, 'taking could not begin again');
      this.#supervised.restart('taking could not begin again');
    });
  }

  #push(channel: ConfirmChannel, message: ConsumeMessage): void {
    const delivery = deliveryOf(message, this.#service);
    if (isCheck(this.#service, delivery.type)) {
      channel.ack(message);
      return;
    }
    const refusal = this.#options.check.refusal(message, delivery.type, this.#service);
    const held: HeldMessage = {
      delivery,
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
      await within(3_000, consuming.channel.cancel(consuming.tag), 'the broker did not answer');
    } catch (error) {
      this.#log.debug({ err: error }, 'the consumer could not be cancelled; its channel closes all the same');
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

  /** One frame for the batch, where it is all that came on the channel so far and isn't settled yet. */
  #acknowledgeAll(batch: readonly HeldMessage[]): void {
    const last = batch.at(-1);
    if (!last || !this.#isOldest(batch)) {
      for (const held of batch) this.#acknowledge(held);
      return;
    }
    this.#acknowledge(last, true);
    for (const held of batch) this.#held.delete(held);
  }

  /** In the order of delivery, nothing comes before or between these; and none of them is lost. */
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
        'the channel was lost before an acknowledgement; the event comes again',
      );
    }
  }

  /** True once the queue needn't keep the delivery any more. */
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
   * A move that the broker refuses now, it refuses later too, and what is held would use the prefetch up. The broker
   * itself then moves it to the dead letters, for which nobody's permissions count.
   */
  #reject(held: HeldMessage, { error }: Exclude<Settlement, { kind: 'done' }>): void {
    if (held.gone) return;
    const { id, type, attempt } = held.delivery;
    this.#log.error(
      { id, type, attempt, err: error },
      'the broker refuses to take this event from the service; it goes to the dead letters without its reason',
    );
    this.#held.delete(held);
    try {
      held.channel.reject(held.message, false);
    } catch (cause) {
      this.#log.debug({ err: cause }, 'the channel was lost before a rejection; the event comes again');
    }
  }

  #outgoing({ message, delivery }: HeldMessage, settlement: Exclude<Settlement, { kind: 'done' }>): Outgoing {
    const { id, type, attempt } = delivery;
    const about = { id, type, attempt, err: settlement.error };
    const step = nextStep(
      settlement,
      { attempt, postponed: postponedOf(message, this.#own) },
      this.#options.retryDelays,
    );
    if (step.kind === 'again') {
      const { delay, postponed } = step;
      this.#log.warn({ ...about, delay, postponed }, 'handling failed; the event comes again');
      return {
        exchange: failuresExchange(this.#service),
        routingKey: retryQueue(this.#service, delay),
        content: message.content,
        properties: propertiesForRetry(message, delivery, step, this.#own),
      };
    }
    this.#log.error({ ...about, reason: step.reason }, 'event goes to the dead letters');
    return {
      exchange: failuresExchange(this.#service),
      routingKey: deadQueue(this.#service),
      content: message.content,
      properties: propertiesForDead(message, delivery, step.reason, settlement.error, this.#own),
    };
  }

  /** Holds the delivery and tries again: giving it back to the queue would only count as a crash. */
  async #moveLater(held: HeldMessage, outgoing: Outgoing): Promise<Move> {
    for (let attempt = 0; !held.gone && !this.#intake.closed; attempt += 1) {
      await this.#intake.sleep(backOffDelay(attempt));
      if (held.gone) break;
      await this.#bringBackQueues();
      const moved = await this.#move(outgoing);
      if (moved !== 'not-yet') return moved;
    }
    return 'not-yet';
  }

  /**
   * Where a queue, an exchange or a binding was deleted, no sending would ever succeed. Once for all that are stuck:
   * while the broker takes nothing, that is everything that is held.
   */
  #bringBackQueues(): Promise<void> {
    this.#bringingBack ??= within(declareTimeoutMs, this.#declare(), 'the broker did not answer')
      .catch((error: unknown) => this.#log.debug({ err: error }, 'queues could not be declared again'))
      .finally(() => {
        this.#bringingBack = undefined;
      });
    return this.#bringingBack;
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
