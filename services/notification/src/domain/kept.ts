/** How much of an inbox is kept: the newest `most`, none older than `days`. */
export interface Kept {
  most: number;
  days: number;
}

/** Keeping less needs a migration that sets every `counts.due_at` to 1970: what was noted for more comes too late. */
export const kept: Kept = { most: 10_000, days: 365 };

/** The smallest UUIDv7 (RFC 9562) of this moment: ids are made in the order of time. */
export function firstIdAt(at: Date): string {
  const hex = Math.max(0, at.getTime()).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7000-8000-000000000000`;
}

/** When the id was made, if it is a UUIDv7. */
export function timeOfId(id: string): Date {
  return new Date(Number.parseInt(`${id.slice(0, 8)}${id.slice(9, 13)}`, 16));
}

/** The first moment in which a notification with this id is not kept any more. */
export function endOfDays(id: string, { days }: Kept): Date {
  return new Date(timeOfId(id).getTime() + days * dayMs + 1);
}

/** The smallest id that is kept at this moment. */
export function oldestKept(now: Date, { days }: Kept): string {
  return firstIdAt(new Date(now.getTime() - days * dayMs));
}

const dayMs = 86_400_000;
