import type { ChannelSession } from '@warren/amqp-link';
import type { Options } from 'amqplib';
import type { Logger } from 'pino';

export const eventsExchange = 'warren.events';

export const eventsQueue = (service: string): string => `warren.${service}.events`;
export const deadQueue = (service: string): string => `warren.${service}.dead`;
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

export async function declareExchange({ channel }: Pick<ChannelSession, 'channel'>): Promise<void> {
  await channel.assertExchange(eventsExchange, 'topic', { durable: true });
}

export interface ServiceQueues {
  service: string;
  types: readonly string[];
  /** Milliseconds; one queue each. */
  retryDelays: readonly number[];
}

/** Declares everything one service needs to consume. Safe to repeat. */
export async function declareQueues(
  session: ChannelSession,
  { service, types, retryDelays }: ServiceQueues,
  log: Logger,
): Promise<void> {
  await declareExchange(session);
  const main = eventsQueue(service);
  await declareQueue(session, deadQueue(service), deadArguments(session.server.version), log);
  await declareQueue(session, main, mainArguments(service), log);
  for (const delay of new Set(retryDelays)) {
    await declareQueue(session, retryQueue(service, delay), retryArguments(main, delay), log);
  }
  for (const type of types) await session.channel.bindQueue(main, eventsExchange, type);
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
  const declaration: Options.AssertQueue = {
    durable: true,
    arguments: { 'x-queue-type': 'quorum', ...options },
  };
  try {
    await session.scratch((channel) => channel.assertQueue(name, declaration));
  } catch (error) {
    if (!isPreconditionFailed(error)) throw error;
    log.warn({ queue: name, err: error }, 'queue exists with other arguments and is used as it is');
  }
}

function isPreconditionFailed(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 406;
}

function mainArguments(service: string): Record<string, unknown> {
  return { 'x-delivery-limit': deliveryLimit, ...deadLetteringTo(deadQueue(service)) };
}

function retryArguments(main: string, delay: number): Record<string, unknown> {
  return { 'x-message-ttl': delay, ...deadLetteringTo(main) };
}

/** By default a broker may lose what it dead-letters; at-least-once demands that overflow. */
function deadLetteringTo(queue: string): Record<string, unknown> {
  return {
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': queue,
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
