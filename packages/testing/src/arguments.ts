import { type ParseArgsConfig, parseArgs } from 'node:util';

/** A command line that can't be followed; the message says which part. Programs end with exit code 2 then. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

type Values<F extends Flags> = ReturnType<typeof parseArgs<{ options: F }>>['values'];
type Flags = NonNullable<ParseArgsConfig['options']>;

/** The values of a command line's options. Throws `UsageError` for any that is unknown or lacks its value. */
export function readFlags<const F extends Flags>(argv: readonly string[], options: F): Values<F> {
  try {
    return parseArgs({ args: [...argv], options }).values as Values<F>;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Throws `UsageError` unless `text` is a number from `least` to `most`. */
export function numberFrom(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most) return value;
  throw new UsageError(`--${name} takes a number from ${least} to ${most}, not '${text}'`);
}

/** Throws `UsageError` unless `text` is a whole number from 1 to `most`. */
export function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new UsageError(`--${name} takes a whole number from 1 to ${most}, not '${text}'`);
}
