import { types } from 'node:util';
import { ConfigError } from './read-config.js';

/** One line for each thing that is wrong; an error's own words, and those of its causes. */
export function readableError(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.problems;
  const lines: string[] = [];
  for (let each = error; types.isNativeError(each) && lines.length < 5; each = each.cause) {
    lines.push(firstLine(each));
  }
  return lines.length > 0 ? lines : [String(error)];
}

function firstLine(error: Error): string {
  const errors: readonly unknown[] = 'errors' in error && Array.isArray(error.errors) ? error.errors : [];
  const text = error.message || errors.map(String).join('; ') || error.name;
  return text.trim().replaceAll(/\s*\n\s*/g, ' ');
}
