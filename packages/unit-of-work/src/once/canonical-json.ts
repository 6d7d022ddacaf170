import { hash } from 'node:crypto';

/** SHA-256, in hexadecimal, of a value's JSON; the order of object keys makes no difference. */
export function hashOf(value: unknown): string {
  return hash('sha256', JSON.stringify(value, sortKeys) ?? '', 'hex');
}

function sortKeys(_key: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
