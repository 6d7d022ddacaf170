import { AppError } from '@warren/contracts';
import type { Cause } from '@warren/unit-of-work';
import type { User } from '@warren/user-contract';
import { checkProfile, differences, type ProfileChange } from '../domain/profile.js';
import { lockUser, toUser, updateUser } from '../store/users.js';
import { announceUpdate } from './announce-user.js';
import type { OperationDependencies } from './dependencies.js';

export interface UpdateProfileRequest {
  userId: string;
  change: ProfileChange;
  cause: Cause;
}

/**
 * Changes a user's profile. If nothing differs, it announces nothing. Resolves to the user after the change.
 *
 * @throws AppError `invalid-request`; `session-revoked` if the account was deleted
 */
export function createUpdateProfile({
  uow,
}: OperationDependencies): (request: UpdateProfileRequest) => Promise<User> {
  return async ({ userId, cause, ...request }) => {
    const change = checkProfile(request.change);
    return await uow.run(
      async (tx) => {
        const current = await lockUser(tx, userId);
        if (!current) throw new AppError('session-revoked');
        const changed = differences(current, change);
        if (Object.keys(changed).length === 0) return toUser(current);
        const user = toUser(await updateUser(tx, userId, changed));
        announceUpdate(tx, user);
        return user;
      },
      { users: [userId], cause },
    );
  };
}
