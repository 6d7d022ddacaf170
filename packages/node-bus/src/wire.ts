import type { KeyedMessage } from './routing.js';

/** What travels from node to node. Nodes ignore kinds that only newer builds know. */
export type WireMessage =
  | { kind: 'sent'; messages: ReadonlyArray<readonly [key: string, message: unknown]> }
  | { kind: 'announced'; topic: string; message: unknown }
  /** A node says that it is there. */
  | { kind: 'alive' };

/** Bounds of one message on the wire; a message larger than that travels alone. */
const maxMessages = 100;
const maxBytes = 256 * 1024;

export interface Encoded {
  content: Buffer;
  /** How many messages it carries. */
  count: number;
}

/**
 * Encodes messages to keys in as few parts of a bounded size as possible, in order. `failed` is called for each message
 * that JSON can't carry, which is left out.
 */
export function encodeSent(
  messages: readonly KeyedMessage[],
  failed: (error: unknown) => void,
): readonly Encoded[] {
  const parts: Encoded[] = [];
  let texts: string[] = [];
  let bytes = 0;
  const finish = (): void => {
    if (texts.length === 0) return;
    const content = Buffer.from(`{"kind":"sent","messages":[${texts.join(',')}]}`, 'utf8');
    parts.push({ content, count: texts.length });
    texts = [];
    bytes = 0;
  };
  for (const { key, message } of messages) {
    try {
      const text = JSON.stringify([key, message]);
      const size = Buffer.byteLength(text);
      if (texts.length === maxMessages || bytes + size > maxBytes) finish();
      texts.push(text);
      bytes += size;
    } catch (error) {
      failed(error);
    }
  }
  finish();
  return parts;
}

/** Throws for a message that JSON can't carry. */
export function encodeAnnounced(topic: string, message: unknown): Encoded {
  return { content: encode({ kind: 'announced', topic, message }), count: 1 };
}

export const alive: Buffer = encode({ kind: 'alive' });

/** Undefined for what is no message of a node; `unknown` for a kind that only newer builds know. */
export function decode(content: Buffer): WireMessage | 'unknown' | undefined {
  const value = parse(content);
  if (typeof value !== 'object' || value === null) return undefined;
  const { kind, messages, topic, message } = value as Record<string, unknown>;
  switch (kind) {
    case 'sent':
      return Array.isArray(messages) && messages.every(isKeyed) ? { kind, messages } : undefined;
    case 'announced':
      return typeof topic === 'string' ? { kind, topic, message } : undefined;
    case 'alive':
      return { kind };
    default:
      return typeof kind === 'string' ? 'unknown' : undefined;
  }
}

function encode(message: WireMessage): Buffer {
  return Buffer.from(JSON.stringify(message), 'utf8');
}

function isKeyed(value: unknown): value is [string, unknown] {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === 'string';
}

function parse(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8'));
  } catch {
    return undefined;
  }
}
