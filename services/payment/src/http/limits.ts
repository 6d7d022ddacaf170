/** So many requests a minute of one person on one instance. */
export function perMinute(max: number) {
  return { max, timeWindow: '1 minute' };
}
