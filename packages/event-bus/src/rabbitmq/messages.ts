import { eventContentType } from '@warren/contracts';
import type { ConsumeMessage, Options } from 'amqplib';
import type { DeadLetterReason, Delivery, EncodedEvent } from '../port.js';
import { eventsExchange, replaysExchange } from './topology.js';

/** What Warren writes beside an event once handling it has failed; dead letters are read by these names. */
export const header = {
  attempt: 'x-warren-attempt',
  attempts: 'x-warren-attempts',
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

export function propertiesOf(event: EncodedEvent, appId: string): Options.Publish {
  return {
    persistent: true,
    contentType: eventContentType,
    messageId: event.id,
    type: event.type,
    timestamp: Math.floor(Date.now() / 1_000),
    appId,
  };
}

/** Reads what any publisher may have sent: every field may be missing or of another type. */
export function deliveryOf({ content, fields, properties }: ConsumeMessage): Delivery {
  return {
    id: text(properties.messageId) ?? '',
    type: typeOf(fields, text(properties.type)),
    body: content.toString('utf8'),
    attempt: isOwn(fields) ? attemptOf(properties.headers?.[header.attempt]) : 1,
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
): string {
  if (exchange === eventsExchange) return routingKey;
  if (exchange === replaysExchange) return routingKey.slice(routingKey.indexOf('.') + 1);
  return said ?? routingKey;
}

export function propertiesForRetry(message: ConsumeMessage, delivery: Delivery): Options.Publish {
  return {
    ...carriedOver(message, delivery),
    headers: {
      [header.attempt]: delivery.attempt + 1,
      [header.firstFailedAt]: firstFailedAt(message),
    },
  };
}

export function propertiesForDead(
  message: ConsumeMessage,
  delivery: Delivery,
  reason: DeadLetterReason,
  error: unknown,
): Options.Publish {
  return {
    ...carriedOver(message, delivery),
    headers: {
      [header.reason]: reason,
      [header.attempts]: delivery.attempt,
      [header.firstFailedAt]: firstFailedAt(message),
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
): Options.Publish {
  return {
    ...carriedOver(message, { type }),
    ...(firstFailedAt !== undefined && { headers: { [header.firstFailedAt]: firstFailedAt } }),
  };
}

/** Foreign headers stay behind: nothing bounds their size, and `x-death` would grow with each attempt. */
function carriedOver({ properties }: ConsumeMessage, { type }: Pick<Delivery, 'type'>): Options.Publish {
  return {
    persistent: true,
    contentType: text(properties.contentType),
    contentEncoding: text(properties.contentEncoding),
    messageId: text(properties.messageId),
    type,
    timestamp: typeof properties.timestamp === 'number' ? properties.timestamp : undefined,
    appId: text(properties.appId),
  };
}

function firstFailedAt({ fields, properties }: ConsumeMessage): string {
  const known = isOwn(fields) ? text(properties.headers?.[header.firstFailedAt]) : undefined;
  return known ?? new Date().toISOString();
}

/** It was handled here before: only the service itself can send over its exchange for failures. */
function isOwn({ exchange }: ConsumeMessage['fields']): boolean {
  return exchange !== eventsExchange && exchange !== replaysExchange;
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
