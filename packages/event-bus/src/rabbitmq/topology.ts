import { type ChannelSession, codeOf, inequivalent, mismatchOf } from '@warren/amqp-link';
import type { Options } from 'amqplib';
import type { Logger } from 'pino';
import type { BrokerNames } from './names.js';

/** A routing key for messages that check whether a service's bindings exist. It is the type of no event. */
export const checkKey = (service: string, what: string): string => `${service}.bindings-checked.${what}`;
/** Whether this type is a `checkKey`, so that its message is no event. */
export const isCheck = (service: string, type: string): boolean => type.startsWith(checkKey(service, ''));

/**
 * How often the broker delivers a message before it moves it to the dead letters, as the last resort against a message that
 * crashes its consumer. Each crash counts for all messages that the consumer held, so this is far above what the consumer's
 * own check against crash loops allows.
 */
const deliveryLimit = 50;

/** Whether the queue exists; declares nothing. */
export async function hasQueue({ scratch }: ChannelSession, queue: string): Promise<boolean> {
  try {
    await scratch((channel) => channel.checkQueue(queue));
    return true;
  } catch (error) {
    if (codeOf(error) === 404) return false;
    throw error;
  }
}

export interface QueueOptions {
  names: BrokerNames;
  service: string;
  /** Milliseconds; one queue each. */
  retryDelays: readonly number[];
}

/**
 * Declares a service's queues and its exchange for delays and dead letters. Safe to repeat. Throws `BrokerRefusal` if one
 * exists that can't be used.
 *
 * A service moves messages only through its own exchange. A broker user who may publish to the default exchange could write
 * into every queue of every service.
 */
export async function declareQueues(
  session: ChannelSession,
  { names, service, retryDelays }: QueueOptions,
  log: Logger,
): Promise<void> {
  const failures = names.failuresExchange(service);
  await declareOwnExchange(session, failures);
  const main = names.eventsQueue(service);
  const dead = names.deadQueue(service);
  const queues: [name: string, options: Record<string, unknown>][] = [
    [dead, deadArguments(session.server.version)],
    [main, { 'x-delivery-limit': deliveryLimit, ...deadLettering(failures, dead) }],
  ];
  for (const delay of new Set(retryDelays)) {
    queues.push([
      names.retryQueue(service, delay),
      { 'x-message-ttl': delay, ...deadLettering(failures, main) },
    ]);
  }
  for (const [name, options] of queues) {
    await declareQueue(session, name, options, log);
    await session.channel.bindQueue(name, failures, name);
  }
}

/** Binds a service's queue to the types that it consumes. Safe to repeat, even while it is being consumed. */
export function bindQueue(
  { scratch }: ChannelSession,
  { names, service, types }: { names: BrokerNames; service: string; types: readonly string[] },
): Promise<void> {
  const main = names.eventsQueue(service);
  return scratch(async (channel) => {
    for (const type of types) await channel.bindQueue(main, names.eventsExchange, type);
    await channel.bindQueue(main, names.replaysExchange, `${service}.#`);
    // This one must be last: `isBound` concludes from it that the bindings above were made.
    await channel.bindExchange(names.failuresExchange(service), names.eventsExchange, checkKey(service, '#'));
  });
}

async function declareOwnExchange({ scratch }: ChannelSession, name: string): Promise<void> {
  try {
    await scratch((channel) => channel.assertExchange(name, 'direct', { durable: true }));
  } catch (error) {
    throw mismatchOf(error, `exchange ${name}`, 'durable direct exchange');
  }
}

/** Arguments that only change when and how safely a message is given up. */
const tolerated = ['x-delivery-limit', 'x-overflow', 'x-dead-letter-strategy'];
const deadLetterArguments = ['x-dead-letter-exchange', 'x-dead-letter-routing-key'];

/**
 * A queue that exists keeps its arguments. If it differs only in arguments that may differ, it is used as it is, with a
 * warning. Other differences would lose messages or never deliver them again, so they throw.
 */
async function declareQueue(
  session: ChannelSession,
  name: string,
  options: Record<string, unknown>,
  log: Logger,
): Promise<void> {
  const isDelay = 'x-message-ttl' in options;
  const mayDiffer = isDelay ? tolerated : [...tolerated, ...deadLetterArguments];
  const asked = { ...options };
  // The broker names one difference per attempt.
  for (const _ of [...mayDiffer, 'the last']) {
    try {
      await session.scratch((channel) => channel.assertQueue(name, quorum(asked)));
      return;
    } catch (error) {
      const difference = inequivalent(error);
      if (!difference || !mayDiffer.includes(difference.argument))
        throw mismatchOf(error, `queue ${name}`, 'durable quorum queue');
      log.warn({ queue: name, err: error }, 'the queue exists with other arguments and is used as it is');
      asked[difference.argument] = difference.is;
    }
  }
}

/** The options of Warren's queues. */
export function quorum(options: Record<string, unknown>): Options.AssertQueue {
  return { durable: true, arguments: { 'x-queue-type': 'quorum', ...options } };
}

/** By default a broker may lose dead-lettered messages. The strategy `at-least-once` needs this overflow. */
function deadLettering(exchange: string, key: string): Record<string, unknown> {
  return {
    'x-dead-letter-exchange': exchange,
    'x-dead-letter-routing-key': key,
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
  };
}

/**
 * Reading dead letters must not drop them, so their queue has no delivery limit. From RabbitMQ 4.0 on the default is 20 and
 * `-1` means none. In 3.x there is none by default, and `-1` would be reached at once.
 */
export function deadArguments(serverVersion: string): Record<string, unknown> {
  const major = Number.parseInt(serverVersion, 10);
  return major >= 4 ? { 'x-delivery-limit': -1 } : {};
}
