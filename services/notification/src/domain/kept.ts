/** How much of an inbox is kept: the newest `most`, none older than `days`. */
export interface Kept {
  most: number;
  days: number;
}

/**
 * To keep less, add a migration that sets every `counts.due_at` to 1970: the times that were noted for these limits would
 * come too late.
 */
export const kept: Kept = { most: 10_000, days: 365 };

/** The smallest UUIDv7 (RFC 9562) of this moment: ids are made in the order of time. */
export function firstIdAt(at: Date): string {
  const hex = Math.max(0, at.getTime()).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7000-8000-000000000000`;
}

/** When an id was made, which must be a UUIDv7. */
export function timeOfId(id: string): Date {
  return new Date(Number.parseInt(`${id.slice(0, 8)}${id.slice(9, 13)}`, 16));
}

/** The first moment at which a notification with this id is too old. */
export function endOfDays(id: string, { days }: Kept): Date {
  return new Date(timeOfId(id).getTime() + days * dayMs + 1);
}

/** The smallest id that isn't too old at `now`. */
export function oldestKept(now: Date, { days }: Kept): string {
  return firstIdAt(new Date(now.getTime() - days * dayMs));
}

const dayMs = 86_400_000;
