import { ConfigError } from './read-config.js';

/** One line for each thing that is wrong; an error's own words, and those of its causes. */
export function readableError(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.problems;
  const lines: string[] = [];
  for (let each = error; each instanceof Error && lines.length < 5; each = each.cause) {
    lines.push(firstLine(each));
  }
  return lines.length > 0 ? lines : [String(error)];
}

function firstLine(error: Error): string {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [];
  const text = error.message || errors.map(String).join('; ') || error.name;
  return text.trim().replaceAll(/\s*\n\s*/g, ' ');
}
