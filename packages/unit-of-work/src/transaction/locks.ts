import { hash } from 'node:crypto';
import type { RawClient } from '../api.js';
import { defaultSchema, type Schema } from '../schema/schema.js';

/** A key for PostgreSQL's advisory locks: 64 bits of a hash. Two names with the same key only wait needlessly. */
export function lockKey(schema: Schema, kind: 'user' | 'once', name: string): bigint {
  // The keys of the default schema name no schema, since older builds, which may run beside this one, knew no other.
  const system = schema.name === defaultSchema ? 'warren' : `warren.${schema.name}`;
  return hash('sha256', `${system}.${kind}:${name}`, 'buffer').readBigInt64BE(0);
}

/**
 * The keys of these users' locks, as a statement's parameter. They are sorted by key and not by user: users whose keys
 * collide could otherwise make two transactions wait in a circle.
 */
export function userLockKeys(schema: Schema, users: Iterable<string>): string[] {
  const keys = new Set(Array.from(users, (user) => lockKey(schema, 'user', user)));
  return [...keys].sort((a, b) => (a < b ? -1 : 1)).map(String);
}

/** SQL that waits for the locks one after the other, in the order given. They end with the transaction. */
export const takeUserLocks = (parameter: string): string =>
  `SELECT count(pg_advisory_xact_lock(k))::int FROM unnest(${parameter}::bigint[]) AS k`;

/** SQL that takes the free locks without waiting, and returns the keys of the others. */
export const tryUserLocks = (parameter: string): string =>
  `SELECT k FROM unnest(${parameter}::bigint[]) AS k WHERE NOT pg_try_advisory_xact_lock(k)`;

export async function lockUsers(db: RawClient, schema: Schema, users: Iterable<string>): Promise<void> {
  const keys = userLockKeys(schema, users);
  if (keys.length > 0) await db.$queryRawUnsafe(takeUserLocks('$1'), keys);
}
