/** `1m30s`, `45s` or `500ms` in seconds. */
export function seconds(duration: string | undefined): number {
  const units: Record<string, number> = { h: 3_600, m: 60, s: 1, ms: 0.001 };
  const parts = [...(duration ?? '').matchAll(/(\d+)(ms|h|m|s)/g)];
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0), 0);
}

/**
 * What a service may need besides `DRAIN_SECONDS`: open transactions and confirms, then closing broker and
 * database, each bounded.
 */
export const closingSeconds = 30;
