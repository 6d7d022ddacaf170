import type { ClientBase } from 'pg';
import type { Schema } from '../schema/schema.js';
import { dayMs } from '../time.js';
import type { RunStep } from './steps.js';

/** Tables with one partition for each day. Days are those of UTC, counted from 1970-01-01. */
export type Partitioned = 'outbox' | 'inbox';

export interface PartitionRound {
  client: ClientBase;
  schema: Schema;
  runStep: RunStep;
  table: Partitioned;
  now: Date;
  keepDays: number;
  /** How many days are created in advance. */
  daysAhead: number;
}

export interface PartitionCounts {
  partitionsMade: number;
  partitionsDropped: number;
  /** Old enough to be dropped, but still needed, or in use at each try. */
  partitionsHeld: number;
}

/** Creates the partitions of today and the next days, and drops those older than `keepDays`. */
export async function maintainPartitions(round: PartitionRound): Promise<PartitionCounts> {
  const { client, schema, runStep, table, now, keepDays, daysAhead } = round;
  const counts: PartitionCounts = { partitionsMade: 0, partitionsDropped: 0, partitionsHeld: 0 };
  const dropDetached = () =>
    runStep(`drop ${table}`, () => call(client, schema, 'drop_detached($1)', [table]));

  // Partitions that a process detached before it crashed.
  while (await dropDetached());
  const days = await daysOf(client, schema, table);
  const today = dayOf(now);
  let ahead = daysAhead;
  for (let day = today; day <= today + ahead; day++) {
    if (days.has(day)) continue;
    const made = await runStep(`make ${table}`, () => makePartition(client, schema, table, day));
    if (made === undefined) break;
    if (made) counts.partitionsMade += 1;
    // The day has rows in the default partition, which each further partition reads through when it is attached. So
    // all partitions are made now, for as long as these rows are kept.
    else ahead = keepDays + daysAhead + 1;
  }

  const old = [...days].filter((day) => day < today - keepDays).sort((a, b) => a - b);
  const handledSince = new Date(now.getTime() - keepDays * dayMs);
  for (const [index, day] of old.entries()) {
    const detached = await runStep(`detach ${table}`, () =>
      call(client, schema, 'detach_day($1, $2, $3)', [table, isoDay(day), handledSince]),
    );
    if (detached === undefined) {
      // A transaction that uses this partition uses the parent table, so the others can't be detached either.
      counts.partitionsHeld += old.length - index;
      break;
    }
    if (!detached) counts.partitionsHeld += 1;
    else if (await dropDetached()) counts.partitionsDropped += 1;
  }
  return counts;
}

/**
 * Creates a day's partition. Resolves to false if the default partition already has rows of this day: they stay there,
 * and are deleted one by one.
 */
export async function makePartition(
  client: ClientBase,
  schema: Schema,
  table: Partitioned,
  day: number,
): Promise<boolean> {
  return call(client, schema, 'make_day($1, $2)', [table, isoDay(day)]);
}

export function dayOf(time: Date): number {
  return Math.floor(time.getTime() / dayMs);
}

/** `2026-11-24` */
function isoDay(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10);
}

/** The days that have a partition. */
async function daysOf(client: ClientBase, schema: Schema, table: Partitioned): Promise<Set<number>> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_inherits JOIN pg_class ON oid = inhrelid
    WHERE inhparent = '${schema}.${table}'::regclass`,
  );
  return new Set(rows.map(({ name }) => dayOfPartition(name)).filter((day) => day !== undefined));
}

/** Undefined for the default partition. */
function dayOfPartition(name: string): number | undefined {
  const [, year, month, day] = /_(\d{4})(\d\d)(\d\d)$/.exec(name) ?? [];
  if (!year || !month || !day) return undefined;
  return Date.UTC(Number(year), Number(month) - 1, Number(day)) / dayMs;
}

/**
 * Calls a function of the schema, which runs with the rights of its owner: the role of the service may have no right to
 * create or drop a table. See migration 004.
 */
async function call(
  client: ClientBase,
  schema: Schema,
  signature: string,
  values: unknown[],
): Promise<boolean> {
  const { rows } = await client.query<{ done: boolean }>(`SELECT ${schema}.${signature} AS done`, values);
  return rows[0]?.done ?? false;
}
