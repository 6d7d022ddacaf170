/** Sets a property in a copy, to make a mistake. Throws if the object is missing. */
export function set(target: object | null | undefined, key: string, value: unknown): void {
  if (!target) throw new Error(`There is nothing to set ${key} on`);
  Object.assign(target, { [key]: value });
}
