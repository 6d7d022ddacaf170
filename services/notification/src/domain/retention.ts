/** How much of an inbox is kept: the newest `most` notifications, none older than `days`. */
export interface Retention {
  most: number;
  days: number;
}

/**
 * To lower a limit, also add a migration that sets every `counts.due_at` to 1970. The times that are noted there were
 * computed from the old limits, and would be too late.
 */
export const retention: Retention = { most: 10_000, days: 365 };

/** The smallest UUIDv7 (RFC 9562) of this millisecond. UUIDv7s sort by the time when they were made. */
export function firstIdAt(at: Date): string {
  const hex = Math.max(0, at.getTime()).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7000-8000-000000000000`;
}

/** The time when this UUIDv7 was made. */
export function timeOfId(id: string): Date {
  return new Date(Number.parseInt(`${id.slice(0, 8)}${id.slice(9, 13)}`, 16));
}

/** The first moment at which the notification with this id is too old. */
export function expiryOf(id: string, { days }: Retention): Date {
  return new Date(timeOfId(id).getTime() + days * dayMs + 1);
}

/** The smallest id that isn't too old at `now`. */
export function oldestKeptId(now: Date, { days }: Retention): string {
  return firstIdAt(new Date(now.getTime() - days * dayMs));
}

const dayMs = 86_400_000;
