/** So many requests a minute on one instance: of one person who is signed in, else of one client network. */
export function perMinute(max: number) {
  return { max, timeWindow: '1 minute' };
}
