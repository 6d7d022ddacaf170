import { type ChannelSession, ensureExchange } from '@warren/amqp-link';
import type { Options } from 'amqplib';
import type { Logger } from 'pino';

export const eventsExchange = 'warren.events';
/** For events that are meant for one service. Keys are `<addressee>.<type>`, so that permissions can go by type. */
export const replaysExchange = 'warren.replays';

export const eventsQueue = (service: string): string => `warren.${service}.events`;
export const deadQueue = (service: string): string => `warren.${service}.dead`;
/** Where a service sends what it could not handle, and what comes back from its delays; keys are queue names. */
export const failuresExchange = (service: string): string => `warren.${service}.failures`;
export const retryQueue = (service: string, delayMs: number): string =>
  `warren.${service}.retry.${delayName(delayMs)}`;

/** `250ms`, `5s`, `2m`: how operators read it. */
function delayName(ms: number): string {
  if (ms % 60_000 === 0) return `${ms / 60_000}m`;
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}

/**
 * A backstop for a delivery that takes its consumer down each time. Each crash counts for everything that the
 * consumer held, so it must be far above what the consumer's own guard against crashers allows.
 */
const deliveryLimit = 50;

/** What all services share. */
export async function declareExchanges(session: ChannelSession): Promise<void> {
  await ensureExchange(session, eventsExchange, 'topic');
  await ensureExchange(session, replaysExchange, 'topic');
}

export interface ServiceQueues {
  service: string;
  types: readonly string[];
  /** Milliseconds; one queue each. */
  retryDelays: readonly number[];
}

/**
 * Declares everything one service needs to consume. Safe to repeat.
 *
 * A service moves messages only over an exchange of its own. With the default exchange, its broker user could write
 * into every queue of every service.
 */
export async function declareQueues(
  session: ChannelSession,
  { service, types, retryDelays }: ServiceQueues,
  log: Logger,
): Promise<void> {
  await declareExchanges(session);
  const failures = failuresExchange(service);
  await ensureExchange(session, failures, 'direct');
  const main = eventsQueue(service);
  const queues: [name: string, options: Record<string, unknown>][] = [
    [deadQueue(service), deadArguments(session.server.version)],
    [main, { 'x-delivery-limit': deliveryLimit, ...deadLettering(failures, deadQueue(service)) }],
  ];
  for (const delay of new Set(retryDelays)) {
    queues.push([retryQueue(service, delay), { 'x-message-ttl': delay, ...deadLettering(failures, main) }]);
  }
  for (const [name, options] of queues) {
    await declareQueue(session, name, options, log);
    await session.channel.bindQueue(name, failures, name);
  }
  for (const type of types) await session.channel.bindQueue(main, eventsExchange, type);
  await session.channel.bindQueue(main, replaysExchange, `${service}.#`);
}

/**
 * The arguments of a queue can't be changed by declaring it anew, and a service that refused to start over it
 * would be the greater harm: an existing queue is used as it is, with a warning.
 */
async function declareQueue(
  session: ChannelSession,
  name: string,
  options: Record<string, unknown>,
  log: Logger,
): Promise<void> {
  try {
    await session.scratch((channel) => channel.assertQueue(name, quorum(options)));
  } catch (error) {
    if (!isPreconditionFailed(error)) throw error;
    log.warn({ queue: name, err: error }, 'queue exists with other arguments and is used as it is');
  }
}

/** How a queue of Warren's is declared. */
export function quorum(options: Record<string, unknown>): Options.AssertQueue {
  return { durable: true, arguments: { 'x-queue-type': 'quorum', ...options } };
}

function isPreconditionFailed(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 406;
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
