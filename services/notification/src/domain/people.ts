/** A person as this service's copy knows them. A deleted person has no name, locale or time zone. */
export interface Person {
  id: string;
  deleted: boolean;
  displayName: string | null;
  locale: string | null;
  timeZone: string | null;
}

/** There is no copy of a person yet. Temporary: their `user.registered` is on its way. */
export class UnknownPersonError extends Error {
  override readonly name = 'UnknownPersonError';

  constructor(userId: string) {
    super(`There is no copy of user ${userId} yet`);
  }
}

/** @throws UnknownPersonError if `people` has no copy of this person */
export function knownPerson(people: readonly Person[], id: string): Person {
  const person = people.find((candidate) => candidate.id === id);
  if (person === undefined) throw new UnknownPersonError(id);
  return person;
}
