import type { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';

/**
 * Names, in committed rows, the message that this process is about to handle alone because someone had it before
 * and gave no answer. If the process ends while it is named, its name stays there: whoever is the next to get the
 * message sees how many have gone that way.
 *
 * Names are those of processes, not a count, so that nothing is counted twice by the process that lives to tell:
 * naming again after an outage changes nothing, nor does taking a name back twice.
 */
export interface Suspects {
  /** Commits that this process is about to handle it; false if too many have never finished it. */
  name(key: string): Promise<boolean>;
  /** It was decided: the names of all are of no interest any more. */
  forget(key: string): Promise<void>;
  /** This process did not handle it after all: its name is taken back at once. */
  withdraw(key: string): Promise<void>;
  /** Whether the inbox has it. */
  isHandled(eventId: string): Promise<boolean>;
  /** This process is alive, but could not decide about it: with the next `settle` its name is taken back. */
  interrupted(key: string): void;
  /** It is on its way to the dead letters: with the next `settle` it is forgotten. */
  givenUp(key: string): void;
  /** Does what `interrupted` and `givenUp` left. To be called when earlier verdicts have been carried out. */
  settle(): Promise<void>;
}

const name = `
INSERT INTO messaging.suspect AS s (consumer, event_id, named_by) VALUES ($1, $2, ARRAY[$3::uuid])
ON CONFLICT (consumer, event_id) DO UPDATE
SET named_by = array_append(array_remove(s.named_by, $3::uuid), $3::uuid), named_at = now()
WHERE cardinality(array_remove(s.named_by, $3::uuid)) < $4::int`;

const forget = 'DELETE FROM messaging.suspect WHERE consumer = $1 AND event_id = ANY($2::text[])';

const takeBack = `
WITH gone AS (
  DELETE FROM messaging.suspect
  WHERE consumer = $1 AND event_id = ANY($2::text[]) AND named_by <@ ARRAY[$3::uuid]
)
UPDATE messaging.suspect SET named_by = array_remove(named_by, $3::uuid)
WHERE consumer = $1 AND event_id = ANY($2::text[]) AND NOT named_by <@ ARRAY[$3::uuid]`;

const handled = 'SELECT FROM messaging.inbox WHERE consumer = $1 AND event_id = $2';

/** `tries`: so many processes may have gone before a message is given up. */
export function createSuspects(pool: Pool, consumer: string, tries: number): Suspects {
  const me = uuidv7();
  /** Few: what one call of `handle` leaves is settled before the next one begins. */
  const interrupted = new Set<string>();
  const givenUp = new Set<string>();
  /** One at a time: two calls of `handle` may run, and what one has named anew the other must not take back. */
  let settling: Promise<void> | undefined;

  return {
    async name(key) {
      interrupted.delete(key);
      return (await pool.query(name, [consumer, key, me, tries])).rowCount === 1;
    },
    async forget(key) {
      await pool.query(forget, [consumer, [key]]);
    },
    async withdraw(key) {
      await pool.query(takeBack, [consumer, [key], me]);
    },
    async isHandled(eventId) {
      return (await pool.query(handled, [consumer, eventId])).rowCount === 1;
    },
    interrupted(key) {
      interrupted.add(key);
    },
    givenUp(key) {
      givenUp.add(key);
    },
    settle() {
      settling ??= settleAll().finally(() => {
        settling = undefined;
      });
      return settling;
    },
  };

  async function settleAll(): Promise<void> {
    const [back, gone] = [[...interrupted], [...givenUp]];
    if (back.length > 0) await pool.query(takeBack, [consumer, back, me]);
    for (const key of back) interrupted.delete(key);
    if (gone.length > 0) await pool.query(forget, [consumer, gone]);
    for (const key of gone) givenUp.delete(key);
  }
}
