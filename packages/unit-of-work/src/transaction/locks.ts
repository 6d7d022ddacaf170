import { hash } from 'node:crypto';
import type { RawClient } from '../api.js';

/**
 * Keys of PostgreSQL's advisory locks: 64 bits of a hash. Two names that share a key only wait for each other
 * without need.
 */
export function lockKey(kind: 'user' | 'once', name: string): bigint {
  return hash('sha256', `warren.${kind}:${name}`, 'buffer').readBigInt64BE(0);
}

/**
 * The locks of these users, ready for a statement. Sorted by key, not by user: two orders that differ where
 * keys collide would let two transactions wait in a circle.
 */
export function userLockKeys(users: Iterable<string>): string[] {
  const keys = new Set(Array.from(users, (user) => lockKey('user', user)));
  return [...keys].sort((a, b) => (a < b ? -1 : 1)).map(String);
}

/** Waits for the locks one after the other, in the order given; they end with the transaction. */
export const takeUserLocks = (parameter: string): string =>
  `SELECT count(pg_advisory_xact_lock(k))::int FROM unnest(${parameter}::bigint[]) AS k`;

/** Takes those locks that are free and answers the keys of the others, without waiting. */
export const tryUserLocks = (parameter: string): string =>
  `SELECT k FROM unnest(${parameter}::bigint[]) AS k WHERE NOT pg_try_advisory_xact_lock(k)`;

export async function lockUsers(db: RawClient, users: Iterable<string>): Promise<void> {
  const keys = userLockKeys(users);
  if (keys.length > 0) await db.$queryRawUnsafe(takeUserLocks('$1'), keys);
}
