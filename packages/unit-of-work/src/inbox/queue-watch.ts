import { serviceOf } from '@warren/contracts';
import type { QueueLook, QueueWatch } from '@warren/event-bus';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Limits } from '../limits.js';
import { prepared } from '../prepared.js';

export interface QueueWatchParts {
  service: string;
  /** All that the service handles. */
  types: Iterable<string>;
  pool: Pool;
  /** A queue that was lost is whole: producers can be asked. */
  onWhole(): void;
  limits: Pick<Limits, 'outboxDays'>;
  log: Logger;
}

/**
 * How far before the last sign of a whole queue the producers are asked to begin. Longer than all delays of one event
 * together, about 13 minutes, and than two services' clocks differ: until its delays have passed, an event is younger
 * in the inbox than those that were handled after it came first.
 */
const margin = `interval '1 hour'`;

const look = prepared('queue_look', 'SELECT generation, restored FROM messaging.queue WHERE service = $1');

/** From then on producers can be asked, by any instance: what they don't send, because it comes later, is bound. */
const whole = prepared(
  'queue_whole',
  `
WITH noted AS (
  INSERT INTO messaging.queue AS q (service, generation, whole_at) VALUES ($1, $2, now())
  ON CONFLICT (service) DO UPDATE SET whole_at = now() WHERE q.generation = $2
  RETURNING 1
), askable AS (
  UPDATE messaging.recovery SET asked_at = NULL WHERE asked_at = 'infinity' AND EXISTS (SELECT FROM noted)
), copyable AS (
  UPDATE messaging.copy SET asked_at = NULL WHERE asked_at = 'infinity' AND EXISTS (SELECT FROM noted)
)
SELECT FROM noted`,
);

/**
 * In the order in which a queue hands out, everything that lay in it is younger than what was handled last; and what no
 * queue got is younger than the last look that found it whole. A queue that was never seen, of a service that has
 * handled nothing, has lost nothing. Where the outbox may not reach back so far, copies are asked for anew.
 *
 * Nobody is asked, `asked_at` is `infinity`, until the queue is whole: an answer that ends before would leave a gap.
 */
const lost = `
WITH noted AS (
  INSERT INTO messaging.queue AS q (service, generation) VALUES ($1, 1)
  ON CONFLICT (service) DO UPDATE SET generation = q.generation + 1, restored = false WHERE q.generation = $2
  RETURNING generation, whole_at
), handled AS (
  SELECT to_timestamp(('x' || left(replace(event_id, '-', ''), 12))::bit(48)::bigint / 1000.0) AS newest
  FROM messaging.inbox
  WHERE consumer = $1 AND event_id ~ '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$'
  ORDER BY event_id DESC LIMIT 1
), bound AS (
  SELECT least(whole_at, (SELECT newest FROM handled)) - ${margin} AS lost_since FROM noted
), asked AS (
  INSERT INTO messaging.recovery AS r (source, types, lost_since, asked_at)
  SELECT source, array_agg(type), lost_since, 'infinity'::timestamptz FROM unnest($3::text[], $4::text[]) AS t (source, type), bound
  WHERE lost_since IS NOT NULL GROUP BY source, lost_since
  ON CONFLICT (source) DO UPDATE SET
    types = CASE WHEN r.completed_at IS NULL
      THEN ARRAY(SELECT DISTINCT t FROM unnest(r.types || excluded.types) AS t ORDER BY t) ELSE excluded.types END,
    lost_since = CASE WHEN r.completed_at IS NULL
      THEN least(r.lost_since, excluded.lost_since) ELSE excluded.lost_since END,
    replay_id = gen_random_uuid(), asked_at = excluded.asked_at, completed_at = NULL
), anew AS (
  UPDATE messaging.copy SET replay_id = gen_random_uuid(), asked_at = 'infinity', completed_at = NULL
  FROM bound WHERE lost_since < now() - $5::int * interval '1 day'
)
SELECT generation::text, lost_since AS "lostSince", lost_since < now() - $5::int * interval '1 day' AS "isTooOld"
FROM noted, bound`;

interface Loss {
  generation: string;
  lostSince: Date | null;
  isTooOld: boolean | null;
}

/**
 * Notes in the service's database, for all instances, when its queue was whole and when it was lost. A restored database
 * has lost events, too: those that were handled since its backup.
 */
export function createQueueWatch(parts: QueueWatchParts): QueueWatch {
  const { service, pool, onWhole, limits, log } = parts;
  const types = [...new Set(parts.types)].sort();
  const sources = types.map(serviceOf);
  let wasLost = false;

  return {
    async look(): Promise<QueueLook> {
      const { rows } = await pool.query<{ generation: string; restored: boolean }>(look([service]));
      const { generation: seen = '0', restored = false } = rows[0] ?? {};
      let generation = seen;
      const found: QueueLook = {
        async lost() {
          const values = [service, generation, sources, types, limits.outboxDays];
          const { rows: losses } = await pool.query<Loss>(lost, values);
          const [loss] = losses;
          if (!loss) return;
          generation = loss.generation;
          if (!loss.lostSince) return;
          wasLost = true;
          const { lostSince, isTooOld } = loss;
          const text =
            'the queue or its bindings were lost, or the database was restored; producers are asked for what was published since';
          if (isTooOld)
            log.error({ lostSince }, `${text}, and for copies: their outboxes don't reach back so far`);
          else log.warn({ lostSince }, text);
        },
        async whole() {
          const { rowCount } = await pool.query(whole([service, generation]));
          if (!wasLost || rowCount === 0) return;
          wasLost = false;
          onWhole();
        },
      };
      if (restored) await found.lost();
      return found;
    },
  };
}
