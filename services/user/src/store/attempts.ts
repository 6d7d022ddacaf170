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
    VALUES ($1, 1, ${after('($3::bigint[])[1]')}, ${after('$4::bigint')})
    ON CONFLICT (key) DO UPDATE SET
      count = CASE WHEN ${forgotten} THEN 1 ELSE a.count + 1 END,
      waits_until = ${after(`($3::bigint[])[CASE WHEN ${forgotten} THEN 1
        ELSE LEAST(a.count + 1, cardinality($3::bigint[])) END]`)},
      forget_at = CASE WHEN ${forgotten} OR $5::boolean THEN excluded.forget_at ELSE a.forget_at END
    WHERE a.waits_until <= $2::timestamptz OR ${forgotten}
    RETURNING count`,
    key,
    now.toISOString(),
    `{${waits(slowDown).join(',')}}`,
    String(slowDown.forgetAfter),
    slowDown.since === 'last',
  );
  if (counted.length > 0) return { ok: true };
  const row = await db.attempts.findUnique({ where: { key } });
  const until = row ? Math.min(row.waitsUntil.getTime(), row.forgetAt.getTime()) : 0;
  return { ok: false, waitMs: Math.max(until - now.getTime(), 1) };
}

const forgotten = 'a.forget_at <= $2::timestamptz';
const after = (ms: string): string => `$2::timestamptz + ${ms} * interval '1 ms'`;

/** Takes back a try that was counted but not made. */
export async function uncountTry(db: UserDb, key: string, now: Date): Promise<void> {
  await db.attempts.updateMany({
    where: { key, count: { gt: 0 } },
    data: { count: { decrement: 1 }, waitsUntil: now },
  });
}

export async function forgetTries(db: UserDb, keys: readonly string[]): Promise<void> {
  await db.attempts.deleteMany({ where: { key: { in: [...keys] } } });
}
