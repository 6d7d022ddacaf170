import type { ConsumeMessage, Options } from 'amqplib';
import type { NodeMessage } from '../api.js';

const contentType = 'application/json';

/**
 * How a message travels: who it is for and whom it is from stand in the properties, since the exchange is shared by
 * all services and a node must be able to turn most of it down unread. `number` counts what the sender has sent.
 */
export function propertiesFrom(service: string, sender: string, number: number): Options.Publish {
  return {
    contentType,
    appId: service,
    messageId: sender,
    correlationId: String(number),
    persistent: false,
  };
}

const aliveType = 'alive';

/** How a node tells that it is there. It bears no number: nothing is missing where it got lost. */
export function alivePropertiesFrom(service: string, sender: string): Options.Publish {
  return { appId: service, messageId: sender, type: aliveType, persistent: false };
}

export function isAlive({ properties }: ConsumeMessage): boolean {
  return properties.type === aliveType;
}

/** Whether another node of `service` sent it. */
export function isForUs({ properties }: ConsumeMessage, service: string, self: string): boolean {
  return properties.appId === service && properties.messageId !== self;
}

export function encode(message: NodeMessage): Buffer {
  return Buffer.from(JSON.stringify(message), 'utf8');
}

/**
 * Undefined for what is no message of a node: the exchange takes anything from anyone on the broker. `unknown` is of a
 * kind that only newer builds know.
 */
export function decode(content: Buffer): NodeMessage | 'unknown' | undefined {
  const value = parse(content);
  if (typeof value !== 'object' || value === null) return undefined;
  const { kind, service, entries, topic, keys } = value as Record<string, unknown>;
  if (typeof service !== 'string') return undefined;
  if (kind === 'feed' && Array.isArray(entries) && entries.every(isEntry)) return { kind, service, entries };
  if (kind === 'hint' && typeof topic === 'string' && Array.isArray(keys) && keys.every(isText))
    return { kind, service, topic, keys };
  return typeof kind === 'string' && kind !== 'feed' && kind !== 'hint' ? 'unknown' : undefined;
}

const isText = (value: unknown): value is string => typeof value === 'string';

function isEntry(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { userId, seq, cursor, type, id, time } = value as Record<string, unknown>;
  return (
    [userId, cursor, type, id, time].every((field) => typeof field === 'string') && Number.isSafeInteger(seq)
  );
}

function parse(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8'));
  } catch {
    return undefined;
  }
}
