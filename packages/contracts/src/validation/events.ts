import type { FieldError } from '../errors.js';
import type { DomainEvent } from '../event.js';
import type { Check } from './compile.js';

/** Ids become keys in databases and on logs: visible ASCII, and not too much of it. */
const oneWord = /^[\x21-\x7e]{1,255}$/;

/** Checks the envelope only; `data` is the business of its type's schema. */
export function checkDomainEvent(value: unknown): Check<DomainEvent> {
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
  for (const name of ['id', 'replayid']) {
    const word = event[name];
    if (word !== undefined && !(typeof word === 'string' && oneWord.test(word))) {
      errors.push({ pointer: `/${name}`, code: 'pattern' });
    }
  }
  const version = event.entityversion;
  if (!Number.isSafeInteger(version) || (version as number) < 1) {
    errors.push({ pointer: '/entityversion', code: 'integer' });
  }
  const epoch = event.entityepoch;
  if (
    epoch !== undefined &&
    !(Number.isInteger(epoch) && (epoch as number) >= 0 && (epoch as number) < 2 ** 31)
  ) {
    errors.push({ pointer: '/entityepoch', code: 'integer' });
  }
  if (event.data === undefined) errors.push({ pointer: '/data', code: 'required' });
  return errors.length === 0 ? { ok: true, value: value as DomainEvent } : { ok: false, errors };
}
