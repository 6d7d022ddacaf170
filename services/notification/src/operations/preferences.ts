import { notificationError } from '@warren/notification-contract';
import type { NotificationUow } from '../context.js';
import {
  choicesOf,
  type KindPreference,
  type PreferenceChange,
  preferencesOf,
} from '../domain/preferences.js';
import { choicesMade, saveChoices } from '../store/preferences.js';
import type { Caller } from './caller.js';
import { writeFor } from './living-person.js';

/**
 * Changes what is named and leaves the rest. All of it or nothing.
 *
 * @throws AppError `preference-locked` with pointers to what can't be switched off, `session-revoked`
 */
export async function changePreferences(
  uow: NotificationUow,
  caller: Caller,
  changes: readonly PreferenceChange[],
): Promise<KindPreference[]> {
  const { choices, locked } = choicesOf(changes);
  if (locked.length > 0) {
    throw notificationError('preference-locked', {
      errors: locked.map((pointer) => ({ pointer, code: 'preference-locked' })),
    });
  }
  return writeFor(uow, caller, async (tx) => {
    if (choices.length > 0) await saveChoices(tx, caller.userId, choices);
    return preferencesOf(await choicesMade(tx, caller.userId));
  });
}
