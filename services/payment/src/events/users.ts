import type { DomainEvent } from '@warren/contracts';
import { project } from '@warren/service-kit';
import { type UserSnapshot, userContract } from '@warren/user-contract';
import { keepUser } from '../operations/keep-user.js';

/** Keep the copy of users: which users exist, and which were deleted. */
export const userProjections = [
  project(userContract, 'user.registered', { users, handle: keepUser }),
  project(userContract, 'user.updated', { users, handle: keepUser }),
  project(userContract, 'user.deleted', { users, handle: keepUser }),
  project(userContract, 'user.snapshot', { users, handle: keepUser }),
];

// A batch locks the copies of its users in one order, as the transactions that reserve and settle do.
function users({ data }: DomainEvent<string, UserSnapshot>): string[] {
  return [data.id];
}
