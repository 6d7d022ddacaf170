import { eventContentType } from '@warren/contracts';
import type { ConsumeMessage, Options } from 'amqplib';
import type { Progress } from '../next-step.js';
import type { DeadLetterReason, Delivery, EncodedEvent } from '../port.js';
import type { BrokerNames } from './names.js';

/** The headers that Warren adds to an event after handling it has failed. */
export const header = {
  attempt: 'x-warren-attempt',
  attempts: 'x-warren-attempts',
  /** The broker user that published it first; empty if unknown. */
  publisher: 'x-warren-publisher',
  postponed: 'x-warren-postponed',
  firstFailedAt: 'x-warren-first-failed-at',
  reason: 'x-warren-reason',
  errorMessage: 'x-warren-error',
  errorStack: 'x-warren-error-stack',
} as const;

/** Together far below the 64 KiB that headers may have. */
const maxErrorMessageBytes = 1_024;
const maxErrorStackBytes = 4_096;

export interface Outgoing {
  exchange: string;
  routingKey: string;
  content: Buffer;
  properties: Options.Publish;
}

/** The service that consumes messages, the broker user of its connections, and the names of its exchanges. */
export interface ConsumerIdentity {
  service: string;
  user: string;
  names: BrokerNames;
}

/**
 * The broker user that published a message; undefined if the broker verified none. The broker checks `user_id` against the
 * user of the connection, and keeps it while it forwards the message. Permissions for routing keys are not enough: bindings
 * between exchanges and the dead letters of other queues bring messages past them.
 *
 * A message that a service moved to its delays or dead letters has the service's own user, and the first publisher in a
 * header. That header is trusted only in messages that the service itself has sent.
 */
export function publisherOf(
  { fields, properties }: ConsumeMessage,
  { service, user, names }: ConsumerIdentity,
): string | undefined {
  const userId = text(properties.userId);
  if (userId !== user || fields.exchange !== names.failuresExchange(service)) return userId;
  const first: unknown = properties.headers?.[header.publisher];
  return first === undefined ? userId : text(first);
}

/** `userId` must be the user of the connection: the broker checks it. */
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

/** Reads a message from any publisher. Every field may be missing or of another type. */
export function deliveryOf(
  { content, fields, properties }: ConsumeMessage,
  self: Pick<ConsumerIdentity, 'service' | 'names'>,
): Delivery {
  return {
    id: text(properties.messageId) ?? '',
    type: typeOf(fields, text(properties.type), self.names),
    body: content.toString('utf8'),
    attempt: isOwn(fields, self) ? attemptOf(properties.headers?.[header.attempt]) : 1,
    redelivered: fields.redelivered,
  };
}

/**
 * The event type. For messages of other services it is the routing key, which the broker checks permissions for, not the
 * property, which the sender can choose. For messages from this service's own delays it is the property.
 */
export function typeOf(
  { exchange, routingKey }: Pick<ConsumeMessage['fields'], 'exchange' | 'routingKey'>,
  typeProperty: string | undefined,
  { eventsExchange, replaysExchange }: BrokerNames,
): string {
  if (exchange === eventsExchange) return routingKey;
  if (exchange === replaysExchange) return routingKey.slice(routingKey.indexOf('.') + 1);
  return typeProperty ?? routingKey;
}

/** How often in a row it was postponed since the last counted attempt. */
export function postponedOf({ fields, properties }: ConsumeMessage, self: ConsumerIdentity): number {
  const value: unknown = isOwn(fields, self) ? properties.headers?.[header.postponed] : undefined;
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

export function propertiesForRetry(
  message: ConsumeMessage,
  delivery: Delivery,
  { attempt, postponed }: Progress,
  self: ConsumerIdentity,
): Options.Publish {
  return {
    ...carriedOver(message, delivery, self),
    headers: {
      ...firstPublisher(message, self),
      [header.attempt]: attempt,
      ...(postponed > 0 && { [header.postponed]: postponed }),
      [header.firstFailedAt]: firstFailedAt(message, self),
    },
  };
}

export function propertiesForDead(
  message: ConsumeMessage,
  delivery: Delivery,
  reason: DeadLetterReason,
  error: unknown,
  self: ConsumerIdentity,
): Options.Publish {
  return {
    ...carriedOver(message, delivery, self),
    headers: {
      ...firstPublisher(message, self),
      [header.reason]: reason,
      [header.attempts]: delivery.attempt,
      [header.firstFailedAt]: firstFailedAt(message, self),
      [header.errorMessage]: cut(
        error instanceof Error ? error.message : String(error),
        maxErrorMessageBytes,
      ),
      [header.errorStack]: cut(error instanceof Error ? (error.stack ?? '') : '', maxErrorStackBytes),
    },
  };
}

/** Starts again with attempt 1, and keeps the time of the first failure. */
export function propertiesForRedrive(
  message: ConsumeMessage,
  { type, firstFailedAt }: { type: string; firstFailedAt: string | undefined },
  self: ConsumerIdentity,
): Options.Publish {
  return {
    ...carriedOver(message, { type }, self),
    headers: {
      ...firstPublisher(message, self),
      ...(firstFailedAt !== undefined && { [header.firstFailedAt]: firstFailedAt }),
    },
  };
}

/** The properties to keep. Other headers are dropped: their size has no limit, and `x-death` would grow with each attempt. */
function carriedOver(
  { properties }: ConsumeMessage,
  { type }: Pick<Delivery, 'type'>,
  { user }: ConsumerIdentity,
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

function firstPublisher(message: ConsumeMessage, self: ConsumerIdentity): Record<string, string> {
  return { [header.publisher]: publisherOf(message, self) ?? '' };
}

function firstFailedAt({ fields, properties }: ConsumeMessage, self: ConsumerIdentity): string {
  const known = isOwn(fields, self) ? text(properties.headers?.[header.firstFailedAt]) : undefined;
  return known ?? new Date().toISOString();
}

/** Whether this service has handled it before: only the service itself can publish to its failures exchange. */
function isOwn(
  { exchange }: ConsumeMessage['fields'],
  { service, names }: Pick<ConsumerIdentity, 'service' | 'names'>,
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
