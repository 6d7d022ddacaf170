import type { UserContext } from '../context.js';
import { setRoles } from '../store/users.js';

/** Sets a user's roles. Their access tokens carry the roles from the next refresh on. @throws AppError `not-found` */
export type SetRoles = (userId: string, roles: readonly string[]) => Promise<void>;

export function createSetRoles({ client }: Pick<UserContext, 'client'>): SetRoles {
  return (userId, roles) => setRoles(client, userId, roles);
}
