import { type ChannelSession, codeOf, inequivalent, mismatchOf } from '@warren/amqp-link';
import type { Options } from 'amqplib';
import type { Logger } from 'pino';
import type { BrokerNames } from './names.js';

/**
 * Keys that a service's own bindings are looked at by: what is sent by one comes back where its binding is gone. No
 * event is called so.
 */
export const checkKey = (service: string, what: string): string => `${service}.bindings-checked.${what}`;
/** A message of `checkKey`, by whichever exchange it came: no event. */
export const isCheck = (service: string, type: string): boolean => type.startsWith(checkKey(service, ''));

/**
 * A backstop for a delivery that takes its consumer down each time. Each crash counts for everything that the
 * consumer held, so it must be far above what the consumer's own guard against crashers allows.
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
 * Declares a service's queues and its way to delays and dead letters. Safe to repeat. Throws `BrokerRefusal` where one
 * exists that can't be used.
 *
 * A service moves messages only over an exchange of its own. With the default exchange, its broker user could write
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

/** Binds a service's queue to what it consumes. Safe to repeat, also while it is being consumed. */
export function bindQueue(
  { scratch }: ChannelSession,
  { names, service, types }: { names: BrokerNames; service: string; types: readonly string[] },
): Promise<void> {
  const main = names.eventsQueue(service);
  return scratch(async (channel) => {
    for (const type of types) await channel.bindQueue(main, names.eventsExchange, type);
    await channel.bindQueue(main, names.replaysExchange, `${service}.#`);
    // Last, for `isBound`: where this one exists, all bindings above were made.
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

/** What only changes how a message is given up, or how safely. */
const tolerated = ['x-delivery-limit', 'x-overflow', 'x-dead-letter-strategy'];
const deadLetterArguments = ['x-dead-letter-exchange', 'x-dead-letter-routing-key'];

/**
 * The arguments of a queue can't be changed by declaring it anew. One that differs in what a delivery is given up by is
 * used as it is, with a warning. Anything else would lose messages, or never bring them back.
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
  // The broker names one difference at a time.
  for (const _ of [...mayDiffer, 'the last']) {
    try {
      await session.scratch((channel) => channel.assertQueue(name, quorum(asked)));
      return;
    } catch (error) {
      const difference = inequivalent(error);
      if (!difference || !mayDiffer.includes(difference.argument))
        throw mismatchOf(error, `queue ${name}`, 'durable quorum queue');
      log.warn({ queue: name, err: error }, 'queue exists with other arguments and is used as it is');
      asked[difference.argument] = difference.is;
    }
  }
}

/** How a queue of Warren's is declared. */
export function quorum(options: Record<string, unknown>): Options.AssertQueue {
  return { durable: true, arguments: { 'x-queue-type': 'quorum', ...options } };
}

/** By default a broker may lose what it dead-letters; at-least-once demands that overflow. */
function deadLettering(exchange: string, key: string): Record<string, unknown> {
  return {
    'x-dead-letter-exchange': exchange,
    'x-dead-letter-routing-key': key,
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
  };
}

/**
 * Looking at dead letters must never use them up. `-1` means no limit from 4.0 on, where 20 is the default; 3.x has
 * no limit by default and takes `-1` for one that is reached at once.
 */
export function deadArguments(serverVersion: string): Record<string, unknown> {
  const major = Number.parseInt(serverVersion, 10);
  return major >= 4 ? { 'x-delivery-limit': -1 } : {};
}
