/** Days of UTC, counted from the epoch, and what a partition of one day is called and holds. */

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

export type Partitioned = 'outbox' | 'inbox';

export function dayOf(time: Date): number {
  return Math.floor(time.getTime() / dayMs);
}

/** `outbox_20261124` */
export function partitionName(table: Partitioned, day: number): string {
  return `${table}_${new Date(day * dayMs).toISOString().slice(0, 10).replaceAll('-', '')}`;
}

/** `undefined` for a partition that isn't one day's. */
export function dayOfPartition(name: string): number | undefined {
  const [, year, month, day] = /_(\d{4})(\d\d)(\d\d)$/.exec(name) ?? [];
  if (!year || !month || !day) return undefined;
  return Date.UTC(Number(year), Number(month) - 1, Number(day)) / dayMs;
}

/** No UUIDv7 of this day is below it, as a UUID and as text alike, and none of the day before above. */
export function leastId(day: number): string {
  const time = (day * dayMs).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
}
