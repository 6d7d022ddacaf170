/** The default prefix of all exchange and queue names. */
export const defaultPrefix = 'warren';

/** Kebab case, without dots: a dot separates the prefix from the rest of a name. */
export const prefixPattern = '^[a-z][a-z0-9]*(-[a-z0-9]+)*$';

/** Throws `RangeError` for a prefix that isn't in kebab case or is longer than 40 characters. */
export function requirePrefix(prefix: string): void {
  if (!new RegExp(prefixPattern).test(prefix) || prefix.length > 40) {
    throw new RangeError(`the prefix "${prefix}" must be in kebab case, with at most 40 characters`);
  }
}
