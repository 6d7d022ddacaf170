import type { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { Schema } from '../schema/schema.js';

/**
 * Messages whose handling may have crashed processes. A message that was delivered before and never acknowledged is
 * handled alone. Before that, this process commits that it starts with it. If it crashes, its mark stays, and the next
 * process sees how many have crashed on this message.
 *
 * Marks are ids of processes, not a number, so that nothing is counted twice: marking or unmarking a message again after
 * an outage changes nothing.
 */
export interface Suspects {
  /** Commits the mark of this process. Resolves to false if too many processes started and never finished. */
  mark(key: string): Promise<boolean>;
  /** Removes the marks of all processes: the message was decided. */
  clear(key: string): Promise<void>;
  /** Removes the mark of this process: it didn't handle the message after all. */
  unmark(key: string): Promise<void>;
  /** Whether the inbox has this event. */
  isHandled(eventId: string): Promise<boolean>;
  /** `unmark` with the next `flush`: this process is alive, but could not decide the message. */
  unmarkLater(key: string): void;
  /** `clear` with the next `flush`: the message becomes a dead letter. */
  clearLater(key: string): void;
  /** Call it when the bus has carried out the earlier verdicts. */
  flush(): Promise<void>;
}

function statementsOf(schema: Schema) {
  return {
    mark: `
INSERT INTO ${schema}.suspect AS s (consumer, event_id, named_by) VALUES ($1, $2, ARRAY[$3::uuid])
ON CONFLICT (consumer, event_id) DO UPDATE
SET named_by = array_append(array_remove(s.named_by, $3::uuid), $3::uuid), named_at = now()
WHERE cardinality(array_remove(s.named_by, $3::uuid)) < $4::int`,

    clear: `DELETE FROM ${schema}.suspect WHERE consumer = $1 AND event_id = ANY($2::text[])`,

    unmark: `
WITH gone AS (
  DELETE FROM ${schema}.suspect
  WHERE consumer = $1 AND event_id = ANY($2::text[]) AND named_by <@ ARRAY[$3::uuid]
)
UPDATE ${schema}.suspect SET named_by = array_remove(named_by, $3::uuid)
WHERE consumer = $1 AND event_id = ANY($2::text[]) AND NOT named_by <@ ARRAY[$3::uuid]`,

    isHandled: `SELECT FROM ${schema}.inbox WHERE consumer = $1 AND event_id = $2`,
  };
}

/** `maxCrashes`: how many processes may crash on a message before it is given up. */
export function createSuspects(pool: Pool, schema: Schema, consumer: string, maxCrashes: number): Suspects {
  const statements = statementsOf(schema);
  const processId = uuidv7();
  /** Few: each call of the consumer's `handle` flushes what the one before has left. */
  const toUnmark = new Set<string>();
  const toClear = new Set<string>();
  /** Two calls of `handle` may run at once. One flush at a time, so that none removes a mark that the other set. */
  let flushing: Promise<void> | undefined;

  async function flushAll(): Promise<void> {
    const [unmarked, cleared] = [[...toUnmark], [...toClear]];
    if (unmarked.length > 0) await pool.query(statements.unmark, [consumer, unmarked, processId]);
    for (const key of unmarked) toUnmark.delete(key);
    if (cleared.length > 0) await pool.query(statements.clear, [consumer, cleared]);
    for (const key of cleared) toClear.delete(key);
  }

  return {
    async mark(key) {
      toUnmark.delete(key);
      const values = [consumer, key, processId, maxCrashes];
      return (await pool.query(statements.mark, values)).rowCount === 1;
    },
    async clear(key) {
      await pool.query(statements.clear, [consumer, [key]]);
    },
    async unmark(key) {
      await pool.query(statements.unmark, [consumer, [key], processId]);
    },
    async isHandled(eventId) {
      return (await pool.query(statements.isHandled, [consumer, eventId])).rowCount === 1;
    },
    unmarkLater(key) {
      toUnmark.add(key);
    },
    clearLater(key) {
      toClear.add(key);
    },
    flush() {
      flushing ??= flushAll().finally(() => {
        flushing = undefined;
      });
      return flushing;
    },
  };
}
