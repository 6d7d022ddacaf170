import { type AmqpConnection, brokerUser, openConnection, within } from '@warren/amqp-link';
import type { ChannelModel, ConfirmChannel } from 'amqplib';
import { requireName } from '../../limits.js';
import { defaultRetryDelays } from '../../port.js';
import { brokerNames } from '../names.js';
import { deadArguments, quorum } from '../topology.js';
import { answerMs, closeQuietly, quietChannel } from './channels.js';
import { amqpCode, OperatorError, operatorError } from './error.js';
import { type HeldDeadLetters, holdDeadLetters } from './held.js';
import type { HoldOptions } from './take.js';

export interface OperatorOptions {
  /** With the credentials of the service's own broker user. */
  url: string;
  service: string;
  /** What the names of exchanges and queues begin with. Default `warren`. */
  prefix?: string | undefined;
  /** Default `defaultRetryDelays`. */
  retryDelays?: readonly number[];
}

/** One of a service's queues; without `messages` it doesn't exist. */
export interface QueueState {
  name: string;
  /** Of those waiting; what consumers hold is not among them. */
  messages?: number;
  consumers?: number;
}

/** What people do with one service's queues, over one connection that doesn't come back by itself. */
export interface Operator {
  /** Events, retries by delay, dead letters. */
  queues(): Promise<QueueState[]>;
  /**
   * Takes dead letters to look at or to settle; always `release` them. Rejects with `reads-counted` where the
   * queue's arguments are not Warren's, unless `despiteLimit`: then each look may count as a delivery, and the
   * broker drops a letter that was delivered too often.
   */
  hold(options: HoldOptions & { despiteLimit?: boolean }): Promise<HeldDeadLetters>;
  /** Gives back whatever is held. Never rejects. */
  close(): Promise<void>;
}

/** Rejects with `OperatorError`. */
export async function openOperator(options: OperatorOptions): Promise<Operator> {
  const { url, service, retryDelays = defaultRetryDelays } = options;
  requireName('service', service);
  const names = brokerNames(options.prefix);
  const connection = await connected(url, service);
  const user = brokerUser(url) ?? '';
  const { model } = connection;
  const deadQueue = names.deadQueue(service);
  const queues = [
    names.eventsQueue(service),
    ...retryDelays.map((delay) => names.retryQueue(service, delay)),
    deadQueue,
  ];
  return {
    async queues() {
      const states: QueueState[] = [];
      for (const name of queues) states.push(await stateOf(model, name));
      return states;
    },
    async hold({ despiteLimit = false, ...held }) {
      const { messages } = await stateOf(model, deadQueue);
      if (messages === undefined) {
        throw new OperatorError('queue-missing', `there is no queue ${deadQueue}`);
      }
      if (!despiteLimit) await requireFreeReads(model, deadQueue);
      return holdDeadLetters(model, { service, user, names }, held);
    },
    close: () => connection.close(),
  };
}

async function connected(url: string, service: string): Promise<AmqpConnection> {
  try {
    return await openConnection({ url, name: `${service} operator` });
  } catch (error) {
    throw operatorError(error, 'the broker can not be reached');
  }
}

async function stateOf(model: ChannelModel, name: string): Promise<QueueState> {
  try {
    const { messageCount, consumerCount } = await scratch(model, (channel) => channel.checkQueue(name));
    return { name, messages: messageCount, consumers: consumerCount };
  } catch (error) {
    if (amqpCode(error) === 404) return { name };
    throw operatorError(error, `${name} could not be looked at`);
  }
}

/** Arguments can't be read over AMQP; but the broker refuses a declaration with others than the queue has. */
async function requireFreeReads(model: ChannelModel, queue: string): Promise<void> {
  const { version } = model.connection.serverProperties;
  try {
    await scratch(model, (channel) => channel.assertQueue(queue, quorum(deadArguments(version))));
  } catch (error) {
    if (amqpCode(error) !== 406) throw operatorError(error, `${queue} could not be looked at`);
    throw new OperatorError(
      'reads-counted',
      `${queue} was declared with other arguments: each look may use up one of a limited number of deliveries`,
    );
  }
}

/** On a channel of its own, which a refusal closes. */
async function scratch<T>(model: ChannelModel, work: (channel: ConfirmChannel) => Promise<T>): Promise<T> {
  const channel = await quietChannel(model);
  try {
    return await within(answerMs, work(channel), 'the broker did not answer');
  } finally {
    await closeQuietly(channel);
  }
}
