import { type AttemptLimit, waits } from '../domain/attempts.js';
import type { UserDb } from './database.js';

/** Whether an attempt was counted. If not, the next attempt must wait for this many milliseconds. */
export type CountedAttempt = { ok: true } | { ok: false; waitMs: number };

/**
 * Counts an attempt before it is made. One statement does this, so parallel attempts on any number of instances can't
 * exceed the limit. An attempt that comes during a wait is not counted.
 */
export async function countAttempt(
  db: UserDb,
  key: string,
  limit: AttemptLimit,
  now: Date,
): Promise<CountedAttempt> {
  const counted = await db.$queryRawUnsafe<{ count: number }[]>(
    countSql,
    key,
    now.toISOString(),
    `{${waits(limit).join(',')}}`,
    String(limit.forgetAfterMs),
    limit.forgetAfter === 'last',
    limit.free,
  );
  if (counted.length > 0) return { ok: true };
  return { ok: false, waitMs: Math.max(await waitOf(db, key, now), 1) };
}

/** Milliseconds until the next attempt would be counted, or 0 if it would be counted now. Counts nothing. */
export async function waitOf(db: UserDb, key: string, now: Date): Promise<number> {
  const [row] = await db.$queryRawUnsafe<{ waitsUntil: Date }[]>(
    `SELECT ${waitEnd} AS "waitsUntil" FROM attempts a WHERE key = $1`,
    key,
  );
  return row ? Math.max(row.waitsUntil.getTime() - now.getTime(), 0) : 0;
}

/** Takes back one attempt of each key: the action was not carried out, or it succeeded. Locks one row at a time. */
export async function uncountAttempts(db: UserDb, keys: readonly string[]): Promise<void> {
  for (const key of keys)
    await db.attempts.updateMany({
      where: { key, count: { gt: 0 } },
      data: { count: { decrement: 1 }, waitsUntil: new Date(0) },
    });
}

/** Forgets all attempts under these keys, so that the next ones are free again. */
export async function forgetAttempts(db: UserDb, keys: readonly string[]): Promise<void> {
  await db.attempts.deleteMany({ where: { key: { in: [...keys] } } });
}

/** When the next attempt is counted. The end of the count also ends the wait. */
const waitEnd = 'LEAST(a.waits_until, a.forget_at)';

// $1 key, $2 now, $3 waits in milliseconds, $4 forgetAfterMs, $5 whether that counts from the last attempt, $6 free.
const isForgotten = 'a.forget_at <= $2::timestamptz';
const nextCount = `(CASE WHEN ${isForgotten} THEN 1 ELSE a.count + 1 END)`;
const after = (ms: string): string => `$2::timestamptz + ${ms} * interval '1 ms'`;

/** A time long ago after a free attempt, since instances whose clocks differ may count attempts in another order. */
const waitsUntil = (count: string): string =>
  `COALESCE(${after(`($3::bigint[])[LEAST(${count} - $6::int, cardinality($3::bigint[]))]`)}, to_timestamp(0))`;

const countSql = `
  INSERT INTO attempts AS a (key, count, waits_until, forget_at)
  VALUES ($1, 1, ${waitsUntil('1')}, ${after('$4::bigint')})
  ON CONFLICT (key) DO UPDATE SET
    count = ${nextCount},
    waits_until = ${waitsUntil(nextCount)},
    forget_at = CASE WHEN ${isForgotten} OR $5::boolean THEN excluded.forget_at ELSE a.forget_at END
  WHERE ${waitEnd} <= $2::timestamptz
  RETURNING count`;
