/** Puts a mistake into a copy of what is checked; throws where there is nothing to put it into. */
export function set(target: object | null | undefined, key: string, value: unknown): void {
  if (!target) throw new Error(`There is nothing to set ${key} on`);
  Object.assign(target, { [key]: value });
}
