import { withDeadline } from '@warren/timing';
import type { ChannelModel, ConfirmChannel, ConsumeMessage } from 'amqplib';
import { type ConsumerIdentity, propertiesForRedrive, text } from '../messages.js';
import { publishAlone } from '../publish-alone.js';
import { answerTimeoutMs, closeQuietly, quietChannel } from './channel.js';
import type { DeadLetterMessage } from './dead-letter.js';
import { OperatorError, operatorError } from './error.js';
import { type HoldOptions, nothingTaken, type Taken, take } from './take.js';

/** Dead letters that are taken out of their queue for a while. `release` gives back those that were not settled. */
export interface HeldDeadLetters {
  /** The letters that were kept, oldest first. */
  readonly letters: readonly DeadLetterMessage[];
  /** How many letters were read. */
  readonly looked: number;
  /** How many of them `keep` accepted, including those above the limits. */
  readonly matching: number;
  /** How many letters were in the queue at the start. */
  readonly waiting: number;
  /** Whether another consumer takes from the queue, and may hold letters that are missing here. */
  readonly shared: boolean;
  bodyOf(letter: DeadLetterMessage): string;
  /**
   * Sends a letter to the service's events queue as attempt 1, and removes it from the dead letters once the broker has
   * confirmed. A crash in between leaves it in both queues, which is harmless because of the inbox. `unroutable`: the
   * events queue is missing, and the letter stays.
   */
  retry(letter: DeadLetterMessage): Promise<'retried' | 'unroutable'>;
  /** Removes a letter for good. */
  discard(letter: DeadLetterMessage): Promise<void>;
  /** Gives back the letters that were not settled, in order. Never rejects. */
  release(): Promise<void>;
}

/** Letters acknowledged before the queue is asked to process them. Inside the broker, a quorum queue defers more than 32. */
const maxUnprocessed = 16;

export async function holdDeadLetters(
  model: ChannelModel,
  self: ConsumerIdentity,
  options: HoldOptions,
): Promise<HeldDeadLetters> {
  const channel = await quietChannel(model);
  try {
    const { messageCount, consumerCount } = await channel.checkQueue(self.names.deadQueue(self.service));
    const most = Math.min(messageCount, options.scan);
    const taken = most > 0 ? await take(channel, self, { ...options, scan: most }) : nothingTaken();
    return new Held(model, channel, self, taken, { waiting: messageCount, shared: consumerCount > 0 });
  } catch (error) {
    await closeQuietly(channel);
    throw operatorError(error, 'the dead letters could not be read');
  }
}

class Held implements HeldDeadLetters {
  readonly letters: readonly DeadLetterMessage[];
  readonly looked: number;
  readonly matching: number;
  readonly waiting: number;
  readonly shared: boolean;
  readonly #model: ChannelModel;
  readonly #channel: ConfirmChannel;
  readonly #self: ConsumerIdentity;
  readonly #messages: Map<DeadLetterMessage, ConsumeMessage>;
  #publishing: Promise<ConfirmChannel> | undefined;
  /** Acknowledgements that the queue may not have processed yet. */
  #unprocessed = 0;

  constructor(
    model: ChannelModel,
    channel: ConfirmChannel,
    self: ConsumerIdentity,
    { messages, looked, matching }: Taken,
    { waiting, shared }: Pick<HeldDeadLetters, 'waiting' | 'shared'>,
  ) {
    this.#model = model;
    this.#channel = channel;
    this.#self = self;
    this.#messages = messages;
    this.letters = [...messages.keys()];
    this.looked = looked;
    this.matching = matching;
    this.waiting = waiting;
    this.shared = shared;
  }

  bodyOf(letter: DeadLetterMessage): string {
    return this.#message(letter).content.toString('utf8');
  }

  async retry(letter: DeadLetterMessage): Promise<'retried' | 'unroutable'> {
    const message = this.#message(letter);
    try {
      requireMover(message, this.#self);
      this.#publishing ??= quietChannel(this.#model);
      const { type, firstFailedAt } = letter;
      const { service, names } = this.#self;
      const properties = propertiesForRedrive(message, { type, firstFailedAt }, this.#self);
      const sent = publishAlone(await this.#publishing, {
        exchange: names.failuresExchange(service),
        routingKey: names.eventsQueue(service),
        content: message.content,
        properties,
      });
      if ((await withDeadline(sent, answerTimeoutMs, 'the broker did not confirm')) === 'unroutable')
        return 'unroutable';
      await this.discard(letter);
      return 'retried';
    } catch (error) {
      throw operatorError(error, 'the letter could not be sent and stays a dead letter');
    }
  }

  async discard(letter: DeadLetterMessage): Promise<void> {
    const message = this.#message(letter);
    try {
      this.#channel.ack(message);
      this.#messages.delete(letter);
      this.#unprocessed += 1;
      if (this.#unprocessed >= maxUnprocessed) await this.#awaitAcknowledgements();
    } catch (error) {
      throw operatorError(error, 'the letter could not be removed');
    }
  }

  async release(): Promise<void> {
    this.#messages.clear();
    const publishing = await this.#publishing?.catch(() => undefined);
    if (publishing) await closeQuietly(publishing);
    // If the broker is away, letters that are not settled go back to the queue anyway.
    if (this.#unprocessed > 0) await this.#awaitAcknowledgements().catch(() => undefined);
    await closeQuietly(this.#channel);
  }

  /**
   * Waits until the queue has processed all acknowledgements. They have no answer, and those that a busy broker has
   * deferred are lost with the channel. But a queue processes the commands of a channel in order, and `get` has an answer.
   * A message that it returns stays unsettled and goes back with the rest.
   */
  async #awaitAcknowledgements(): Promise<void> {
    const { service, names } = this.#self;
    await withDeadline(
      this.#channel.get(names.deadQueue(service)),
      answerTimeoutMs,
      'the broker did not answer',
    );
    this.#unprocessed = 0;
  }

  #message(letter: DeadLetterMessage): ConsumeMessage {
    const message = this.#messages.get(letter);
    if (!message) throw new Error('This dead letter is no longer held');
    return message;
  }
}

/**
 * The header with the first publisher is trusted only in messages that the service's own user has sent. A letter sent by
 * another user would become a dead letter again.
 */
function requireMover({ properties }: ConsumeMessage, { service, user }: ConsumerIdentity): void {
  const mover = text(properties.userId);
  if (user === service || mover === undefined || mover === user) return;
  throw new OperatorError(
    'refused',
    `the letter was moved here by broker user "${mover}", and "${user}" can not retry it: use the service's own user`,
  );
}
