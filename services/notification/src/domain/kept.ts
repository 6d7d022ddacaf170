/** How much of an inbox is kept: the newest `most`, none older than `days`. */
export interface Kept {
  most: number;
  days: number;
}

export const kept: Kept = { most: 10_000, days: 365 };

/** The smallest UUIDv7 (RFC 9562) of this moment: ids are made in the order of time. */
export function firstIdAt(at: Date): string {
  const hex = Math.max(0, at.getTime()).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7000-8000-000000000000`;
}
