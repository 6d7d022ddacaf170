import type { ConsumeMessage } from 'amqplib';
import { attemptOf, header, type Own, text, typeOf } from '../messages.js';

/** What a message in `warren.<service>.dead` says about itself. */
export interface DeadLetterMessage {
  /** The event's id; empty if its producer gave none. */
  id: string;
  type: string;
  /** A `DeadLetterReason`; `delivery-limit` or `move-refused` where the broker moved it; another text from another build. */
  reason: string;
  /** How often it was handled. Deliveries that the broker counted don't show here. */
  attempts: number;
  /** RFC 3339, UTC. */
  firstFailedAt?: string;
  /** When it was first published: RFC 3339, UTC, to the second. */
  publishedAt?: string;
  /** The service that published it. */
  producer?: string;
  error?: string;
  stack?: string;
  /** Size of its body. */
  bytes: number;
}

/** Reads what may be there: any of it can be missing or of another type. */
export function deadLetterOf(own: Own, { content, properties }: ConsumeMessage): DeadLetterMessage {
  const headers: Readonly<Record<string, unknown>> = properties.headers ?? {};
  const reason = text(headers[header.reason]);
  const death = reason === undefined ? deathOf(own, headers) : undefined;
  const said = text(properties.type);
  const { timestamp } = properties as { timestamp?: unknown };
  return {
    id: text(properties.messageId) ?? '',
    type: death ? typeOf(death, said, own.names) : (said ?? ''),
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

/** What the broker's words for taking a message out of the events queue mean here. */
const reasonsOfDeath: Readonly<Record<string, string>> = {
  delivery_limit: 'delivery-limit',
  rejected: 'move-refused',
};

/**
 * The broker's own note of why it took the message out of the events queue. Not `x-first-death-reason`: where the
 * message had been in a retry queue before, that says `expired`.
 */
function deathOf({ service, names }: Own, headers: Readonly<Record<string, unknown>>): Death | undefined {
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

/** amqplib's form of a timestamp within headers: seconds. */
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
