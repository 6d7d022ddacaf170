/** A person as this service's copy knows them; a deleted one has no name, locale or zone any more. */
export interface Person {
  id: string;
  deleted: boolean;
  displayName: string | null;
  locale: string | null;
  timeZone: string | null;
}

/** Somebody's copy isn't here yet. Temporary: their `user.registered` is on its way. */
export class UnknownPersonError extends Error {
  override readonly name = 'UnknownPersonError';

  constructor(userId: string) {
    super(`There is no copy of user ${userId} yet`);
  }
}

/** @throws UnknownPersonError if there is no copy yet */
export function knownPerson(people: readonly Person[], id: string): Person {
  const person = people.find((candidate) => candidate.id === id);
  if (person === undefined) throw new UnknownPersonError(id);
  return person;
}
