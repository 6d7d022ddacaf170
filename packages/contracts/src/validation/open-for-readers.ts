import type { TSchema } from 'typebox';

/**
 * The same schema as a reader applies it: objects may hold more than this build knows, and an enum of strings
 * takes any string.
 */
export function openForReaders(schema: TSchema): TSchema {
  return open(schema) as TSchema;
}

function open(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(open);
  if (node === null || typeof node !== 'object') return node;
  const entries = Object.entries(node).filter(([key]) => key !== 'additionalProperties');
  const opened = Object.fromEntries(entries.map(([key, value]) => [key, open(value)]));
  const values: unknown = opened.enum;
  if (Array.isArray(values) && values.every((value) => typeof value === 'string')) {
    delete opened.enum;
    opened.type = 'string';
  }
  return opened;
}
