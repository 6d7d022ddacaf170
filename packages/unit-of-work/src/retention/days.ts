/** Days of UTC, counted from the epoch, and which partition is of which day. */

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

export type Partitioned = 'outbox' | 'inbox';

export function dayOf(time: Date): number {
  return Math.floor(time.getTime() / dayMs);
}

/** `2026-11-24` */
export function isoDay(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10);
}

/** `undefined` for a partition that isn't one day's. */
export function dayOfPartition(name: string): number | undefined {
  const [, year, month, day] = /_(\d{4})(\d\d)(\d\d)$/.exec(name) ?? [];
  if (!year || !month || !day) return undefined;
  return Date.UTC(Number(year), Number(month) - 1, Number(day)) / dayMs;
}
