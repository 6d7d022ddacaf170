import { eventContentType } from '@warren/contracts';
import type { ConsumeMessage, Options } from 'amqplib';
import type { Progress } from '../next-step.js';
import type { DeadLetterReason, Delivery, EncodedEvent } from '../port.js';
import type { BrokerNames } from './names.js';

/** What Warren writes beside an event once handling it has failed; dead letters are read by these names. */
export const header = {
  attempt: 'x-warren-attempt',
  attempts: 'x-warren-attempts',
  /** The broker user that published it first; empty where that isn't known. */
  publisher: 'x-warren-publisher',
  postponed: 'x-warren-postponed',
  firstFailedAt: 'x-warren-first-failed-at',
  reason: 'x-warren-reason',
  errorMessage: 'x-warren-error',
  errorStack: 'x-warren-error-stack',
} as const;

/** Together far below the 64 KiB that headers may take. */
const maxErrorMessageBytes = 1_024;
const maxErrorStackBytes = 4_096;

export interface Outgoing {
  exchange: string;
  routingKey: string;
  content: Buffer;
  properties: Options.Publish;
}

/** The service that takes messages, the user of its connections, and the names of its exchanges. */
export interface Own {
  service: string;
  user: string;
  names: BrokerNames;
}

/**
 * The broker user that published a message; undefined where nobody vouches for one. The broker compares `user_id` with
 * the user of the connection, and keeps it on whatever way a message takes. Permissions alone don't tell: exchanges
 * that are bound to each other and queues with dead letters bring messages past the rules for routing keys.
 *
 * What a service moves to its delays or dead letters bears its own user, and the first publisher in a header. That is
 * believed of the service itself only.
 */
export function publisherOf(
  { fields, properties }: ConsumeMessage,
  { service, user, names }: Own,
): string | undefined {
  const userId = text(properties.userId);
  if (userId !== user || fields.exchange !== names.failuresExchange(service)) return userId;
  const first: unknown = properties.headers?.[header.publisher];
  return first === undefined ? userId : text(first);
}

/** `userId`: the user of the connection, which the broker compares. */
export function propertiesOf(
  event: EncodedEvent,
  { appId, userId }: { appId: string; userId: string },
): Options.Publish {
  return {
    userId,
    persistent: true,
    contentType: eventContentType,
    messageId: event.id,
    type: event.type,
    timestamp: Math.floor(Date.now() / 1_000),
    appId,
  };
}

/** Reads what any publisher may have sent: every field may be missing or of another type. */
export function deliveryOf(
  { content, fields, properties }: ConsumeMessage,
  own: Pick<Own, 'service' | 'names'>,
): Delivery {
  return {
    id: text(properties.messageId) ?? '',
    type: typeOf(fields, text(properties.type), own.names),
    body: content.toString('utf8'),
    attempt: isOwn(fields, own) ? attemptOf(properties.headers?.[header.attempt]) : 1,
    redelivered: fields.redelivered,
  };
}

/**
 * As the broker let it pass, where it came from another service: permissions go by routing key, and a property says
 * what its sender likes. What comes back from this service's own delays says it in the property.
 */
export function typeOf(
  { exchange, routingKey }: Pick<ConsumeMessage['fields'], 'exchange' | 'routingKey'>,
  said: string | undefined,
  { eventsExchange, replaysExchange }: BrokerNames,
): string {
  if (exchange === eventsExchange) return routingKey;
  if (exchange === replaysExchange) return routingKey.slice(routingKey.indexOf('.') + 1);
  return said ?? routingKey;
}

/** How often in a row it came again without a counted attempt. */
export function postponedOf({ fields, properties }: ConsumeMessage, own: Own): number {
  const value: unknown = isOwn(fields, own) ? properties.headers?.[header.postponed] : undefined;
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

export function propertiesForRetry(
  message: ConsumeMessage,
  delivery: Delivery,
  { attempt, postponed }: Progress,
  own: Own,
): Options.Publish {
  return {
    ...carriedOver(message, delivery, own),
    headers: {
      ...firstPublisher(message, own),
      [header.attempt]: attempt,
      ...(postponed > 0 && { [header.postponed]: postponed }),
      [header.firstFailedAt]: firstFailedAt(message, own),
    },
  };
}

export function propertiesForDead(
  message: ConsumeMessage,
  delivery: Delivery,
  reason: DeadLetterReason,
  error: unknown,
  own: Own,
): Options.Publish {
  return {
    ...carriedOver(message, delivery, own),
    headers: {
      ...firstPublisher(message, own),
      [header.reason]: reason,
      [header.attempts]: delivery.attempt,
      [header.firstFailedAt]: firstFailedAt(message, own),
      [header.errorMessage]: cut(
        error instanceof Error ? error.message : String(error),
        maxErrorMessageBytes,
      ),
      [header.errorStack]: cut(error instanceof Error ? (error.stack ?? '') : '', maxErrorStackBytes),
    },
  };
}

/** Begins anew with attempt 1. When it first failed stays known. */
export function propertiesForRedrive(
  message: ConsumeMessage,
  { type, firstFailedAt }: { type: string; firstFailedAt: string | undefined },
  own: Own,
): Options.Publish {
  return {
    ...carriedOver(message, { type }, own),
    headers: {
      ...firstPublisher(message, own),
      ...(firstFailedAt !== undefined && { [header.firstFailedAt]: firstFailedAt }),
    },
  };
}

/** Foreign headers stay behind: nothing bounds their size, and `x-death` would grow with each attempt. */
function carriedOver(
  { properties }: ConsumeMessage,
  { type }: Pick<Delivery, 'type'>,
  { user }: Own,
): Options.Publish {
  return {
    persistent: true,
    userId: user,
    contentType: text(properties.contentType),
    contentEncoding: text(properties.contentEncoding),
    messageId: text(properties.messageId),
    type,
    timestamp: typeof properties.timestamp === 'number' ? properties.timestamp : undefined,
    appId: text(properties.appId),
  };
}

function firstPublisher(message: ConsumeMessage, own: Own): Record<string, string> {
  return { [header.publisher]: publisherOf(message, own) ?? '' };
}

function firstFailedAt({ fields, properties }: ConsumeMessage, own: Own): string {
  const known = isOwn(fields, own) ? text(properties.headers?.[header.firstFailedAt]) : undefined;
  return known ?? new Date().toISOString();
}

/** It was handled here before: only the service itself can send over its exchange for failures. */
function isOwn(
  { exchange }: ConsumeMessage['fields'],
  { service, names }: Pick<Own, 'service' | 'names'>,
): boolean {
  return exchange === names.failuresExchange(service);
}

export function attemptOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 1;
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function cut(value: string, maxBytes: number): string {
  const bytes = Buffer.from(value, 'utf8');
  return bytes.length <= maxBytes ? value : bytes.subarray(0, maxBytes).toString('utf8');
}
