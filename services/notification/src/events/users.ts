import type { DomainEvent } from '@warren/contracts';
import { project } from '@warren/service-kit';
import { type UserSnapshot, userContract } from '@warren/user-contract';
import { keepUser } from '../operations/keep-user.js';

/** Keep the copy of users. */
export const userProjections = [
  project(userContract, 'user.registered', { users, handle: keepUser }),
  project(userContract, 'user.updated', { users, handle: keepUser }),
  project(userContract, 'user.deleted', { users, handle: keepUser }),
  project(userContract, 'user.snapshot', { users, handle: keepUser }),
];

// Handlers of payments lock copies too. A batch with events of both kinds takes these locks in one order.
function users({ data }: DomainEvent<string, UserSnapshot>): string[] {
  return [data.id];
}
