import type { TSchema } from 'typebox';
import type { DomainEvent } from '../event.js';
import type { FieldError } from '../errors.js';

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

/** Checks the envelope only; `data` is the business of its type's schema. */
export function checkDomainEvent(
  value: unknown,
): { ok: true; value: DomainEvent } | { ok: false; errors: FieldError[] } {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return { ok: false, errors: [{ pointer: '', code: 'type' }] };
  }
  const event = value as Record<string, unknown>;
  const errors: FieldError[] = [];
  if (event.specversion !== '1.0') errors.push({ pointer: '/specversion', code: 'const' });
  for (const name of ['id', 'source', 'type', 'subject', 'time', 'correlationid']) {
    const text = event[name];
    if (typeof text !== 'string' || text.length === 0 || text.length > 255) {
      errors.push({ pointer: `/${name}`, code: 'string' });
    }
  }
  const version = event.entityversion;
  if (!Number.isSafeInteger(version) || (version as number) < 1) {
    errors.push({ pointer: '/entityversion', code: 'integer' });
  }
  if (event.data === undefined) errors.push({ pointer: '/data', code: 'required' });
  return errors.length === 0 ? { ok: true, value: value as DomainEvent } : { ok: false, errors };
}
