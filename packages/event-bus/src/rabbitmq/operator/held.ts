import { within } from '@warren/amqp-link';
import type { ChannelModel, ConfirmChannel, ConsumeMessage } from 'amqplib';
import { type Own, propertiesForRedrive, text } from '../messages.js';
import { publishAlone } from '../publish-alone.js';
import { answerMs, closeQuietly, quietChannel } from './channels.js';
import type { DeadLetterMessage } from './dead-letter.js';
import { OperatorError, operatorError } from './error.js';
import { type HoldOptions, nothingTaken, type Taken, take } from './take.js';

/** Dead letters taken out of their queue for a while. All that are not settled go back by `release`. */
export interface HeldDeadLetters {
  /** Those that were kept, oldest first. */
  readonly letters: readonly DeadLetterMessage[];
  /** How many were looked at. */
  readonly looked: number;
  /** How many of those were to be kept, whether or not the limits allowed it. */
  readonly matching: number;
  /** How many were in the queue when this began. */
  readonly waiting: number;
  /** Somebody else takes from the queue too, and may hold letters that are missing here. */
  readonly shared: boolean;
  bodyOf(letter: DeadLetterMessage): string;
  /**
   * Puts it into the service's events queue as attempt 1, and takes it from the dead letters once the broker has
   * confirmed. A crash in between leaves it in both; the inbox makes that harmless. `unroutable`: the events queue
   * is missing, and the letter stays.
   */
  retry(letter: DeadLetterMessage): Promise<'retried' | 'unroutable'>;
  /** Takes it from the dead letters for good. */
  discard(letter: DeadLetterMessage): Promise<void>;
  /** Gives back what was not settled, in its order. Never rejects. */
  release(): Promise<void>;
}

/** A quorum queue's client within the broker sends 32 commands on before it begins to put them off. */
const settledAtOnce = 16;

export async function holdDeadLetters(
  model: ChannelModel,
  own: Own,
  options: HoldOptions,
): Promise<HeldDeadLetters> {
  const channel = await quietChannel(model);
  try {
    const { messageCount, consumerCount } = await channel.checkQueue(own.names.deadQueue(own.service));
    const most = Math.min(messageCount, options.scan);
    const taken = most > 0 ? await take(channel, own, { ...options, scan: most }) : nothingTaken();
    return new Held(model, channel, own, taken, { waiting: messageCount, shared: consumerCount > 0 });
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
  readonly #own: Own;
  readonly #messages: Map<DeadLetterMessage, ConsumeMessage>;
  #publishing: Promise<ConfirmChannel> | undefined;
  /** Acknowledged without knowing that the queue has taken note. */
  #unsure = 0;

  constructor(
    model: ChannelModel,
    channel: ConfirmChannel,
    own: Own,
    { messages, looked, matching }: Taken,
    { waiting, shared }: Pick<HeldDeadLetters, 'waiting' | 'shared'>,
  ) {
    this.#model = model;
    this.#channel = channel;
    this.#own = own;
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
      requireMover(message, this.#own);
      this.#publishing ??= quietChannel(this.#model);
      const { type, firstFailedAt } = letter;
      const { service, names } = this.#own;
      const properties = propertiesForRedrive(message, { type, firstFailedAt }, this.#own);
      const sent = publishAlone(await this.#publishing, {
        exchange: names.failuresExchange(service),
        routingKey: names.eventsQueue(service),
        content: message.content,
        properties,
      });
      if ((await within(answerMs, sent, 'the broker did not confirm')) === 'unroutable') return 'unroutable';
      await this.discard(letter);
      return 'retried';
    } catch (error) {
      throw operatorError(error, 'the letter could not be sent and stays where it is');
    }
  }

  async discard(letter: DeadLetterMessage): Promise<void> {
    const message = this.#message(letter);
    try {
      this.#channel.ack(message);
      this.#messages.delete(letter);
      this.#unsure += 1;
      if (this.#unsure >= settledAtOnce) await this.#settleAll();
    } catch (error) {
      throw operatorError(error, 'the letter could not be taken from the dead letters');
    }
  }

  async release(): Promise<void> {
    this.#messages.clear();
    const publishing = await this.#publishing?.catch(() => undefined);
    if (publishing) await closeQuietly(publishing);
    // Without the broker, what is not settled comes back all the same.
    if (this.#unsure > 0) await this.#settleAll().catch(() => undefined);
    await closeQuietly(this.#channel);
  }

  /**
   * Acknowledgements have no answer, and a broker that is busy with many puts some off, which end with the channel.
   * But it carries out what a channel sent to a queue in order, and this has an answer. What it may bring is held,
   * and goes back with the rest.
   */
  async #settleAll(): Promise<void> {
    const { service, names } = this.#own;
    await within(answerMs, this.#channel.get(names.deadQueue(service)), 'the broker did not answer');
    this.#unsure = 0;
  }

  #message(letter: DeadLetterMessage): ConsumeMessage {
    const message = this.#messages.get(letter);
    if (!message) throw new Error('This dead letter is not held any more');
    return message;
  }
}

/**
 * The service believes its own user alone about who published a letter first: sent by another user, it would only come
 * back.
 */
function requireMover({ properties }: ConsumeMessage, { service, user }: Own): void {
  const mover = text(properties.userId);
  if (user === service || mover === undefined || mover === user) return;
  throw new OperatorError(
    'refused',
    `the letter was put there by broker user "${mover}", and "${user}" can not retry it: use the service's own user`,
  );
}
