import { migrateMessaging } from '@warren/unit-of-work';
import pg from 'pg';
import { pino } from 'pino';
import type { Bench } from '../bench.js';

/** A database with the messaging tables. */
export interface Stage {
  pool: pg.Pool;
}

export const log = pino({ level: process.env.LOG_LEVEL ?? 'warn' }, process.stderr);

export async function openStage(bench: Bench): Promise<Stage> {
  const pool = new pg.Pool({ connectionString: await bench.database(), max: 10, pipeline: true });
  bench.cleanup.defer('pool', () => pool.end());
  await migrateMessaging(pool);
  return { pool };
}

export interface Plan {
  events: number;
  days: number;
  users: number;
}

export const dayMs = 86_400_000;

/** Far enough in the past that the migration has created no partition for any day of the plan. */
const firstDay = Math.floor(Date.now() / dayMs) - 400;

/** Noon of a day of the plan. The first day is 0. */
export const noonOf = (day: number) => new Date((firstDay + day + 0.5) * dayMs);
