import type { ConsumeMessage } from 'amqplib';
import { attemptOf, type ConsumerIdentity, header, text, typeOf } from '../messages.js';

/** A message in the queue `warren.<service>.dead`. */
export interface DeadLetterMessage {
  /** The event's id; empty if its producer gave none. */
  id: string;
  type: string;
  /** A `DeadLetterReason`; `delivery-limit` or `move-refused` if the broker moved it; or a reason of another version. */
  reason: string;
  /** How often it was handled. Does not count deliveries that crashed the consumer. */
  attempts: number;
  /** RFC 3339, UTC. */
  firstFailedAt?: string;
  /** When it was first published: RFC 3339, UTC, to the second. */
  publishedAt?: string;
  /** The service that published it. */
  producer?: string;
  error?: string;
  stack?: string;
  /** The size of its body. */
  bytes: number;
}

/** Reads a message in which any field may be missing or of another type. */
export function deadLetterOf(
  self: ConsumerIdentity,
  { content, properties }: ConsumeMessage,
): DeadLetterMessage {
  const headers: Readonly<Record<string, unknown>> = properties.headers ?? {};
  const reason = text(headers[header.reason]);
  const death = reason === undefined ? deathOf(self, headers) : undefined;
  const typeProperty = text(properties.type);
  const { timestamp } = properties as { timestamp?: unknown };
  return {
    id: text(properties.messageId) ?? '',
    type: death ? typeOf(death, typeProperty, self.names) : (typeProperty ?? ''),
    reason: reason ?? death?.reason ?? 'unknown',
    attempts: attemptOf(headers[header.attempts] ?? headers[header.attempt]),
    ...known('firstFailedAt', isoDate(headers[header.firstFailedAt]) ?? death?.at),
    ...known('publishedAt', typeof timestamp === 'number' ? isoDate(timestamp * 1_000) : undefined),
    ...known('producer', text(properties.appId)),
    ...known('error', text(headers[header.errorMessage])),
    ...known('stack', text(headers[header.errorStack])),
    bytes: content.length,
  };
}

interface Death {
  reason: string;
  exchange: string;
  routingKey: string;
  at: string | undefined;
}

/** Our reasons for those that the broker gives for moving a message out of the events queue. */
const reasonsOfDeath: Readonly<Record<string, string>> = {
  delivery_limit: 'delivery-limit',
  rejected: 'move-refused',
};

/**
 * The broker's entry about moving the message out of the events queue. Not `x-first-death-reason`, which is `expired` if
 * the message was in a retry queue before.
 */
function deathOf(
  { service, names }: ConsumerIdentity,
  headers: Readonly<Record<string, unknown>>,
): Death | undefined {
  const deaths: unknown = headers['x-death'];
  if (!Array.isArray(deaths)) return undefined;
  for (const death of deaths as readonly unknown[]) {
    if (typeof death !== 'object' || death === null) continue;
    const { queue, reason, exchange, time, 'routing-keys': keys } = death as Record<string, unknown>;
    const meaning = typeof reason === 'string' ? reasonsOfDeath[reason] : undefined;
    if (queue !== names.eventsQueue(service) || meaning === undefined) continue;
    const [key] = Array.isArray(keys) ? (keys as unknown[]) : [];
    return { reason: meaning, exchange: text(exchange) ?? '', routingKey: text(key) ?? '', at: timeOf(time) };
  }
  return undefined;
}

/** Reads a timestamp in headers, which amqplib gives in seconds. */
function timeOf(value: unknown): string | undefined {
  const seconds = typeof value === 'object' && value !== null && 'value' in value ? value.value : value;
  return typeof seconds === 'number' ? isoDate(seconds * 1_000) : undefined;
}

function isoDate(value: unknown): string | undefined {
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

function known<Name extends string, Value>(name: Name, value: Value | undefined): { [key in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [key in Name]: Value });
}
