/** When signing keys change. All durations are milliseconds. */
export interface KeySchedule {
  /** How long a key signs. */
  rotateEveryMs: number;
  /** The longest lifetime of an access token. */
  tokenLifetimeMs: number;
}

export interface ScheduledKey {
  id: string;
  signsFrom: Date;
}

const minute = 60_000;

/** Seconds for which caches may keep the public keys. */
export const publicKeysMaxAgeSeconds = 300;

/**
 * How long a key is published before it signs. Verifiers keep the public keys for ten minutes, and may get them from a
 * cache that is up to `publicKeysMaxAgeSeconds` old. Another instance of this service loads a new key within a minute.
 */
export const keyLeadMs = 20 * minute;

/** Covers clocks that differ, and an instance that loads the next key late. */
const toleranceMs = 2 * minute;

/**
 * The key that signs now: the newest one whose time has come. If there is none, for example at the first start of an
 * instance whose clock is behind, it is the oldest key.
 */
export function signingKey<K extends ScheduledKey>(keys: readonly K[], now: Date): K | undefined {
  const ordered = newestFirst(keys);
  return ordered.find(({ signsFrom }) => signsFrom <= now) ?? ordered.at(-1);
}

/** The time from which a key that is made now signs. `undefined` if no new key is due. */
export function nextKey(keys: readonly ScheduledKey[], now: Date, schedule: KeySchedule): Date | undefined {
  const [newest] = newestFirst(keys);
  if (!newest) return now;
  const due = newest.signsFrom.getTime() + schedule.rotateEveryMs;
  if (now.getTime() < due - keyLeadMs) return undefined;
  return new Date(Math.max(due, now.getTime() + keyLeadMs));
}

/** The keys whose last token has expired. */
export function retiredKeys<K extends ScheduledKey>(
  keys: readonly K[],
  now: Date,
  { tokenLifetimeMs }: KeySchedule,
): K[] {
  const ordered = newestFirst(keys);
  return ordered.filter((_, index) => {
    const successor = ordered[index - 1];
    return successor && successor.signsFrom.getTime() + tokenLifetimeMs + toleranceMs < now.getTime();
  });
}

function newestFirst<K extends ScheduledKey>(keys: readonly K[]): K[] {
  return keys.toSorted((a, b) => b.signsFrom.getTime() - a.signsFrom.getTime());
}
