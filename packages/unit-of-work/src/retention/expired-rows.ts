import type { ClientBase } from 'pg';
import type { Limits } from '../limits.js';
import { keptHours } from '../once/record.js';
import type { Schema } from '../schema/schema.js';
import { dayMs, hourMs } from '../time.js';
import type { RunStep } from './steps.js';

const rowsPerDelete = 1_000;
const peoplePerDelete = 500;

export interface ExpiryRound {
  client: ClientBase;
  schema: Schema;
  runStep: RunStep;
  now: Date;
  limits: Pick<Limits, 'outboxDays' | 'inboxDays' | 'suspectDays' | 'replayDays'>;
  stopped(): boolean;
}

interface Expiry {
  table: string;
  /** SQL: whether a row is expired at the time `$1`. */
  condition: string;
  /** An indexed column. Rows are found in its order, so that those that haven't expired aren't read. */
  order?: string;
  maxAgeMs: number;
}

/** Deletes expired rows that are in no day's partition, in steps of at most 1,000. Resolves to how many. */
export async function deleteExpiredRows(round: ExpiryRound): Promise<number> {
  const { limits, schema } = round;
  let deleted = await deleteExpired(round, {
    table: 'outbox_rest',
    condition: 'created_at <= $1 AND published_at IS NOT NULL',
    order: 'created_at',
    maxAgeMs: limits.outboxDays * dayMs,
  });
  deleted += await deleteEventsAboutErasedUsers(round);
  const others: Expiry[] = [
    {
      table: 'erased',
      // One lookup for each row: for an anti-join the planner would read the whole outbox.
      condition: `erased_at <= $1 AND (
        SELECT about FROM ${schema}.outbox WHERE outbox.about = erased.user_id LIMIT 1
      ) IS NULL`,
      maxAgeMs: (limits.outboxDays + 1) * dayMs,
    },
    { table: 'inbox_rest', condition: 'handled_at <= $1', maxAgeMs: limits.inboxDays * dayMs },
    {
      table: 'idempotency',
      condition: 'created_at <= $1',
      order: 'created_at',
      maxAgeMs: keptHours * hourMs,
    },
    { table: 'suspect', condition: 'named_at <= $1', maxAgeMs: limits.suspectDays * dayMs },
    { table: 'replay', condition: 'finished_at <= $1', maxAgeMs: limits.replayDays * dayMs },
  ];
  for (const expiry of others) deleted += await deleteExpired(round, expiry);
  return deleted;
}

/** Rows that other transactions have locked are left for the next round. */
async function deleteExpired(round: ExpiryRound, expiry: Expiry): Promise<number> {
  const { client, schema, runStep, now, stopped } = round;
  const { table, condition, order, maxAgeMs } = expiry;
  const statement = `DELETE FROM ${schema}.${table} WHERE ctid = ANY(ARRAY(
      SELECT ctid FROM ${schema}.${table} WHERE ${condition} ${order ? `ORDER BY ${order}` : ''}
      LIMIT ${rowsPerDelete} FOR UPDATE SKIP LOCKED
    ))`;
  const before = new Date(now.getTime() - maxAgeMs);
  let deleted = 0;
  for (let more = true; more && !stopped(); ) {
    const result = await runStep(table, () => client.query(statement, [before]));
    const { rowCount } = result ?? { rowCount: 0 };
    deleted += rowCount ?? 0;
    more = rowCount === rowsPerDelete;
  }
  return deleted;
}

/**
 * Deletes events about erased users that were not published yet when the user was erased. Goes through the erased users
 * in the order of their ids.
 */
async function deleteEventsAboutErasedUsers(round: ExpiryRound): Promise<number> {
  const { client, schema, runStep, stopped } = round;
  const statement = deleteAboutUsers(schema);
  let deleted = 0;
  for (let after: string | null = ''; after !== null && !stopped(); ) {
    const values: string[] = [after];
    const result = await runStep('events about erased users', async () => {
      const { rows } = await client.query<{ deleted: number; next: string | null }>(statement, values);
      return rows[0];
    });
    deleted += result?.deleted ?? 0;
    after = result?.next ?? null;
  }
  return deleted;
}

/**
 * For the 500 users behind `$1`, and 1,000 events at most. One index lookup for each user: for a join the planner would
 * read the whole outbox. `next` is the `$1` of the next call; it stays the same where there may be more to delete, and is
 * null at the end.
 */
const deleteAboutUsers = (schema: Schema) => `
WITH people AS MATERIALIZED (
  SELECT user_id FROM ${schema}.erased WHERE user_id > $1 ORDER BY user_id LIMIT ${peoplePerDelete}
), gone AS (
  DELETE FROM ${schema}.outbox WHERE id = ANY(ARRAY(
    SELECT o.id FROM people p CROSS JOIN LATERAL (
      SELECT id FROM ${schema}.outbox WHERE about = p.user_id AND published_at IS NOT NULL
      LIMIT ${rowsPerDelete} FOR UPDATE SKIP LOCKED
    ) o LIMIT ${rowsPerDelete}
  )) RETURNING 1
), counted AS (
  SELECT count(*)::int AS deleted FROM gone
)
SELECT deleted, CASE WHEN deleted = ${rowsPerDelete} THEN $1 ELSE (SELECT max(user_id) FROM people) END AS next
FROM counted`;
