/** `1m30s`, `45s` or `500ms` in seconds. */
export function seconds(duration: string | undefined): number {
  const units: Record<string, number> = { h: 3_600, m: 60, s: 1, ms: 0.001 };
  const parts = [...(duration ?? '').matchAll(/(\d+)(ms|h|m|s)/g)];
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0), 0);
}

/**
 * Seconds that a service may need in addition to `DRAIN_SECONDS`, to finish transactions and confirms and to close broker
 * and database. Each step has a limit.
 */
export const closingSeconds = 30;
