import { InvalidArgumentError } from 'commander';

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const servicePattern = /^[a-z][a-z0-9-]{0,62}$/;
const isoPattern = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/;
const unitsMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export function serviceName(text: string): string {
  if (servicePattern.test(text)) return text;
  throw new InvalidArgumentError('A service is named by small letters, digits and dashes.');
}

/** Separated by commas; given several times, all of them. */
export function names(text: string, before: readonly string[] = []): readonly string[] {
  const given = text.split(',').map((name) => name.trim());
  if (!given.every((name) => namePattern.test(name))) {
    throw new InvalidArgumentError(
      'It takes names of letters, digits, dots and dashes, separated by commas.',
    );
  }
  return [...before, ...given];
}

export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It takes a whole number from ${least} to ${most}.`);
  };
}

export function decimal(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It takes a number from ${least} to ${most}.`);
  };
}

/** Milliseconds. */
export function duration(text: string): number {
  const ms = durationOf(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError('It takes a duration like 90s, 10m, 2h or 7d.');
}

/** A moment, or how long ago it was. */
export function moment(text: string): Date {
  const ms = durationOf(text);
  if (ms !== undefined) return new Date(Date.now() - ms);
  const date = new Date(text);
  if (isoPattern.test(text) && !Number.isNaN(date.getTime())) return date;
  throw new InvalidArgumentError(
    'It takes a time like 2026-01-31T08:00:00Z, or how long ago: 90s, 10m, 2h, 7d.',
  );
}

function durationOf(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  return count && unit ? Number(count) * (unitsMs[unit] ?? 0) : undefined;
}
