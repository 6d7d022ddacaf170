import { type ParseArgsConfig, parseArgs } from 'node:util';

/** An invalid command line; the message says which part is invalid. Programs end with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

type Values<F extends Flags> = ReturnType<typeof parseArgs<{ options: F }>>['values'];
type Flags = NonNullable<ParseArgsConfig['options']>;

/** Parses a command line's options. Throws `UsageError` for an unknown option or one that lacks its value. */
export function readFlags<const F extends Flags>(argv: readonly string[], options: F): Values<F> {
  try {
    return parseArgs({ args: [...argv], options }).values as Values<F>;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Throws `UsageError` unless `text` is a number from `min` to `max`. */
export function numberFrom(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= min && value <= max) return value;
  throw new UsageError(`--${name} takes a number from ${min} to ${max}, not '${text}'`);
}

/** Throws `UsageError` unless `text` is a whole number from 1 to `max`. */
export function wholeNumber(name: string, text: string, max: number): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new UsageError(`--${name} takes a whole number from 1 to ${max}, not '${text}'`);
}
