import { type KindPreference, preferableOwnKinds, preferencesOf } from '../domain/preferences.js';
import type { NotificationDb } from '../store/database.js';
import { requestedKinds } from '../store/notice-kinds.js';
import { choicesMade } from '../store/preferences.js';

/** A person's preferences for every kind: this service's own, then those that other services have requested. */
export async function preferencesOfPerson(db: NotificationDb, userId: string): Promise<KindPreference[]> {
  const kinds = [...preferableOwnKinds, ...(await requestedKinds(db))];
  return preferencesOf(kinds, await choicesMade(db, userId));
}
