import { setTimeout as pause } from 'node:timers/promises';

/** What `work` comes to, but not before `ms` are over, whether it succeeds or fails. */
export async function noSoonerThan<T>(ms: number, work: Promise<T>): Promise<T> {
  const [outcome] = await Promise.allSettled([work, pause(ms)]);
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value;
}
