import type { CopyRow, Evidence, UserRow } from '../evidence/evidence.js';
import type { Check } from './check.js';

/** Each service's copies of users must match the user service. */
export const differingCopies: Check = {
  name: 'copies that differ from their source',
  find: ({ users, copies }: Evidence) =>
    Object.entries(copies).flatMap(([service, rows]) => differences(service, users, rows)),
};

const copiedFields = ['version', 'displayName', 'locale', 'timeZone'] as const;

function differences(service: string, users: readonly UserRow[], copies: readonly CopyRow[]): string[] {
  const byId = new Map(copies.map((copy) => [copy.id, copy]));
  const known = new Set(users.map(({ id }) => id));
  return [
    ...users.flatMap((user) => {
      const copy = byId.get(user.id);
      if (!copy) return [`${service} has no copy of ${user.id}`];
      const wrong = copiedFields.filter((field) => copy[field] !== undefined && copy[field] !== user[field]);
      if (copy.deleted || wrong.length > 0) {
        return [`${service}: ${JSON.stringify(copy)} is a copy of ${JSON.stringify(user)}`];
      }
      return [];
    }),
    ...copies
      .filter(({ id, deleted }) => !known.has(id) && !deleted)
      .map((copy) => `${service} has a copy of an unknown user: ${JSON.stringify(copy)}`),
  ];
}
