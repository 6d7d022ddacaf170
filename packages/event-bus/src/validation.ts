/** Throws `RangeError` unless `value` is a whole number of at least `least`. */
export function requireWhole(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`${name} must be a whole number of at least ${least}`);
  }
}

/** Throws `RangeError` unless `value` can be part of a queue's name and a routing key without wildcards. */
export function requireName(what: string, value: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(value)) {
    throw new RangeError(`${what} "${value}" must consist of letters, digits, dots, dashes and underscores`);
  }
}
