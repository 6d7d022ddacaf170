import type { ConsumeMessage, Options } from 'amqplib';
import type { NodeMessage } from '../api.js';

const contentType = 'application/json';

export interface Sender {
  /** One link's own, for as long as it lives. */
  id: string;
  /** Of its connection: the broker refuses a message that names another. */
  user: string;
}

/** How a message travels: whom it is from stands in the properties. `number` counts what the sender has sent. */
export function propertiesFrom({ id, user }: Sender, number: number): Options.Publish {
  return {
    contentType,
    userId: user,
    messageId: id,
    correlationId: String(number),
    persistent: false,
  };
}

const aliveType = 'alive';

/** How a node tells that it is there. It bears no number: nothing is missing where it got lost. */
export function alivePropertiesFrom({ id, user }: Sender): Options.Publish {
  return { userId: user, messageId: id, type: aliveType, persistent: false };
}

export function isAlive({ properties }: ConsumeMessage): boolean {
  return properties.type === aliveType;
}

export function isFrom({ properties }: ConsumeMessage, sender: Sender['id']): boolean {
  return properties.messageId === sender;
}

export function isFromUser({ properties }: ConsumeMessage, user: Sender['user']): boolean {
  return properties.userId === user;
}

export function encode(message: NodeMessage): Buffer {
  return Buffer.from(JSON.stringify(message), 'utf8');
}

/**
 * Undefined for what is no message of a node. `unknown` is of a kind that only newer builds know.
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
