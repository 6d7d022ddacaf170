/** When signing keys change. All times are milliseconds. */
export interface KeySchedule {
  /** How long a key signs. */
  rotateEvery: number;
  /** The longest life of an access token. */
  tokenLifetime: number;
}

export interface ScheduledKey {
  id: string;
  signsFrom: Date;
}

const minute = 60_000;

/** Seconds for which anybody may keep the public keys without asking again. */
export const publicKeysMaxAge = 300;

/**
 * A key verifies for this long before it signs. Verifiers keep the public keys for ten minutes, and may have got them
 * from a cache that was itself `publicKeysMaxAge` old; an instance of this service notices a new key within one.
 */
export const keyLead = 20 * minute;

/** By which clocks may differ, and an instance may be late to notice the next key. */
const allowance = 2 * minute;

/**
 * The one that signs now: the newest whose time has come. The oldest where that is none's, as at the first start for
 * an instance whose clock is behind.
 */
export function signingKey<K extends ScheduledKey>(keys: readonly K[], now: Date): K | undefined {
  const ordered = newestFirst(keys);
  return ordered.find(({ signsFrom }) => signsFrom <= now) ?? ordered.at(-1);
}

/** From when a key that is to be made now will sign; `undefined` while none is due. */
export function nextKey(keys: readonly ScheduledKey[], now: Date, schedule: KeySchedule): Date | undefined {
  const [newest] = newestFirst(keys);
  if (!newest) return now;
  const due = newest.signsFrom.getTime() + schedule.rotateEvery;
  if (now.getTime() < due - keyLead) return undefined;
  return new Date(Math.max(due, now.getTime() + keyLead));
}

/** Those whose last token has ended. */
export function retiredKeys<K extends ScheduledKey>(
  keys: readonly K[],
  now: Date,
  { tokenLifetime }: KeySchedule,
): K[] {
  const ordered = newestFirst(keys);
  return ordered.filter((_, index) => {
    const successor = ordered[index - 1];
    return successor && successor.signsFrom.getTime() + tokenLifetime + allowance < now.getTime();
  });
}

function newestFirst<K extends ScheduledKey>(keys: readonly K[]): K[] {
  return keys.toSorted((a, b) => b.signsFrom.getTime() - a.signsFrom.getTime());
}
