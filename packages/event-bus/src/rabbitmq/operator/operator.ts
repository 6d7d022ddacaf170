import { type AmqpConnection, brokerUser, openConnection } from '@warren/amqp-link';
import type { ChannelModel } from 'amqplib';
import { defaultRetryDelays } from '../../port.js';
import { requireName } from '../../validation.js';
import { brokerNames } from '../names.js';
import { deadArguments, quorum } from '../topology.js';
import { onOwnChannel } from './channel.js';
import { amqpCode, OperatorError, operatorError } from './error.js';
import { type HeldDeadLetters, holdDeadLetters } from './held.js';
import type { HoldOptions } from './take.js';

export interface OperatorOptions {
  /** The broker's URL, with the credentials of the service's own user. */
  url: string;
  service: string;
  /** What the names of exchanges and queues begin with. Default `warren`. */
  prefix?: string | undefined;
  /** Default `defaultRetryDelays`. */
  retryDelays?: readonly number[];
}

/** The state of a queue. Without `messages` it doesn't exist. */
export interface QueueState {
  name: string;
  /** The messages that wait, without those that consumers hold. */
  messages?: number;
  consumers?: number;
}

/** What an operator can do with one service's queues. It uses one connection and does not reconnect. */
export interface Operator {
  /** The queues for events, for retries (one per delay) and for dead letters. */
  queues(): Promise<QueueState[]>;
  /**
   * Takes dead letters to read or settle them; always `release` them. Rejects with `reads-counted` if the queue has other
   * arguments than Warren's, unless `despiteLimit` is set: then each read may count as a delivery, and the broker drops a
   * letter that was delivered too often.
   */
  hold(options: HoldOptions & { despiteLimit?: boolean }): Promise<HeldDeadLetters>;
  /** Gives back all letters that are held. Never rejects. */
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
      if (!despiteLimit) await requireNoDeliveryLimit(model, deadQueue);
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
    const { messageCount, consumerCount } = await onOwnChannel(model, (channel) => channel.checkQueue(name));
    return { name, messages: messageCount, consumers: consumerCount };
  } catch (error) {
    if (amqpCode(error) === 404) return { name };
    throw operatorError(error, `${name} could not be read`);
  }
}

/** AMQP can't read the arguments of a queue. But the broker refuses a declaration with other arguments. */
async function requireNoDeliveryLimit(model: ChannelModel, queue: string): Promise<void> {
  const { version } = model.connection.serverProperties;
  try {
    await onOwnChannel(model, (channel) => channel.assertQueue(queue, quorum(deadArguments(version))));
  } catch (error) {
    if (amqpCode(error) !== 406) throw operatorError(error, `${queue} could not be read`);
    throw new OperatorError(
      'reads-counted',
      `${queue} was declared with other arguments: each read may count towards a delivery limit`,
    );
  }
}
