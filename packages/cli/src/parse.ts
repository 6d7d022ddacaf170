import { InvalidArgumentError } from 'commander';

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const servicePattern = /^[a-z][a-z0-9-]{0,62}$/;
const isoPattern = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/;
const unitsMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export function serviceName(text: string): string {
  if (servicePattern.test(text)) return text;
  throw new InvalidArgumentError('Expected a service name: lower-case letters, digits and dashes.');
}

/** Parses names separated by commas. An option that is repeated adds to the names in `before`. */
export function names(text: string, before: readonly string[] = []): readonly string[] {
  const given = text.split(',').map((name) => name.trim());
  if (!given.every((name) => namePattern.test(name))) {
    throw new InvalidArgumentError(
      'Expected names of letters, digits, dots and dashes, separated by commas.',
    );
  }
  return [...before, ...given];
}

export function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
  };
}

export function decimal(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a number from ${min} to ${max}.`);
  };
}

/** Parses a duration such as `90s` to milliseconds. */
export function duration(text: string): number {
  const ms = durationOf(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError('Expected a duration like 90s, 10m, 2h or 7d.');
}

/** Parses a time, either absolute or as a duration before now. */
export function moment(text: string): Date {
  const ms = durationOf(text);
  if (ms !== undefined) return new Date(Date.now() - ms);
  const date = new Date(text);
  if (isoPattern.test(text) && !Number.isNaN(date.getTime())) return date;
  throw new InvalidArgumentError(
    'Expected a time like 2026-01-31T08:00:00Z, or a duration before now: 90s, 10m, 2h, 7d.',
  );
}

function durationOf(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  return count && unit ? Number(count) * (unitsMs[unit] ?? 0) : undefined;
}
