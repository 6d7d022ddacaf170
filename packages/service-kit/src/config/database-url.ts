/**
 * What keeps a service from using an address of PostgreSQL; `undefined` if nothing does. `name`: the variable that it
 * stands in. The answer never shows the address, which holds a password.
 */
export function databaseUrlProblem(name: string, address: string): string | undefined {
  if (!URL.canParse(address)) {
    return `${name} is not a URL: what is special in user name, password or database must be percent-encoded`;
  }
  const schema = new URL(address).searchParams.get('schema');
  if (schema === null || schema === 'public') return undefined;
  return `${name}: schema=${schema} is not possible: the tables of a service live in the schema public, those of the kit in MESSAGING_SCHEMA, in a database of the service's own`;
}
