import { type SlowDown, waits } from '../domain/attempts.js';
import type { UserDb } from './database.js';

/** A try was counted; or it came too early, and how many milliseconds too early. */
export type Try = { ok: true } | { ok: false; waitMs: number };

/**
 * Counts a try before it is made, in one statement: of any number that come at once, over all instances, no more get
 * through than are free. One that comes within the waiting time of the last isn't counted.
 */
export async function countTry(db: UserDb, key: string, slowDown: SlowDown, now: Date): Promise<Try> {
  const counted = await db.$queryRawUnsafe<{ count: number }[]>(
    `INSERT INTO attempts AS a (key, count, waits_until, forget_at)
    VALUES ($1, 1, ${waitsUntil('1')}, ${after('$4::bigint')})
    ON CONFLICT (key) DO UPDATE SET
      count = ${nextCount},
      waits_until = ${waitsUntil(nextCount)},
      forget_at = CASE WHEN ${forgotten} OR $5::boolean THEN excluded.forget_at ELSE a.forget_at END
    WHERE a.waits_until <= $2::timestamptz OR ${forgotten}
    RETURNING count`,
    key,
    now.toISOString(),
    `{${waits(slowDown).join(',')}}`,
    String(slowDown.forgetAfter),
    slowDown.since === 'last',
    slowDown.free,
  );
  if (counted.length > 0) return { ok: true };
  return { ok: false, waitMs: Math.max(await waitOf(db, key, now), 1) };
}

/** Milliseconds until a try under this key would be counted; 0 or less where it would be now. Counts none. */
export async function waitOf(db: UserDb, key: string, now: Date): Promise<number> {
  const row = await db.attempts.findUnique({ where: { key } });
  return row ? Math.min(row.waitsUntil.getTime(), row.forgetAt.getTime()) - now.getTime() : 0;
}

const forgotten = 'a.forget_at <= $2::timestamptz';
const nextCount = `(CASE WHEN ${forgotten} THEN 1 ELSE a.count + 1 END)`;

const after = (ms: string): string => `$2::timestamptz + ${ms} * interval '1 ms'`;

/** Long ago while tries are free: those that come at once may have clocks, or turns, in another order. */
const waitsUntil = (count: string): string =>
  `COALESCE(${after(`($3::bigint[])[LEAST(${count} - $6::int, cardinality($3::bigint[]))]`)}, to_timestamp(0))`;

/** Takes back one try of each key: one that was counted and then not made, or didn't fail. Locks one row at a time. */
export async function uncountTries(db: UserDb, keys: readonly string[]): Promise<void> {
  for (const key of keys)
    await db.attempts.updateMany({
      where: { key, count: { gt: 0 } },
      data: { count: { decrement: 1 }, waitsUntil: new Date(0) },
    });
}

/** All tries that were made under these: the next one is free again. */
export async function forgetTries(db: UserDb, keys: readonly string[]): Promise<void> {
  await db.attempts.deleteMany({ where: { key: { in: [...keys] } } });
}
