import {
  type KindPreference,
  type PreferableKind,
  preferableOwnKinds,
  preferencesOf,
} from '../domain/preferences.js';
import type { NotificationDb } from '../store/database.js';
import { requestedKinds } from '../store/notice-kinds.js';
import { choicesMade } from '../store/preferences.js';

/** The kinds that have preferences: this service's own, then those that other services have requested. */
export async function preferableKinds(db: NotificationDb): Promise<PreferableKind[]> {
  return [...preferableOwnKinds, ...(await requestedKinds(db))];
}

/** A person's preferences for every kind. */
export async function preferencesOfPerson(db: NotificationDb, userId: string): Promise<KindPreference[]> {
  return preferencesOf(await preferableKinds(db), await choicesMade(db, userId));
}
