import { AppError } from '@warren/contracts';
import { notificationError } from '@warren/notification-contract';
import type { NotificationUow } from '../context.js';
import {
  choicesOf,
  type KindPreference,
  type PreferenceChange,
  preferencesOf,
} from '../domain/preferences.js';
import { preferableKinds } from '../queries/preferences.js';
import { choicesMade, saveChoices } from '../store/preferences.js';
import { type Caller, writeForCaller } from './caller.js';

/**
 * Changes what the changes name and leaves the rest. Makes all changes or none.
 *
 * @throws AppError `invalid-request` with pointers to kinds that don't exist, `preference-locked` with pointers to what
 * can't be switched off, `session-revoked`
 */
export async function changePreferences(
  uow: NotificationUow,
  caller: Caller,
  changes: readonly PreferenceChange[],
): Promise<KindPreference[]> {
  return writeForCaller(uow, caller, async (tx) => {
    const kinds = await preferableKinds(tx);
    const { choices, locked, unknown } = choicesOf(kinds, changes);
    if (unknown.length > 0)
      throw new AppError('invalid-request', {
        errors: unknown.map((pointer) => ({ pointer, code: 'enum' })),
      });
    if (locked.length > 0) {
      throw notificationError('preference-locked', {
        errors: locked.map((pointer) => ({ pointer, code: 'preference-locked' })),
      });
    }
    if (choices.length > 0) await saveChoices(tx, caller.userId, choices);
    return preferencesOf(kinds, await choicesMade(tx, caller.userId));
  });
}
