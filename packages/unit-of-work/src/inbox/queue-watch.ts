import { serviceOf } from '@warren/contracts';
import type { QueueLook, QueueWatch } from '@warren/event-bus';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Limits } from '../limits.js';
import type { Schema } from '../schema/schema.js';

export interface QueueWatchParts {
  service: string;
  /** The types that the service handles. */
  types: Iterable<string>;
  pool: Pool;
  schema: Schema;
  /** Called when a lost queue is whole again, so that producers can be asked. */
  onWhole(): void;
  limits: Pick<Limits, 'outboxDays'>;
  log: Logger;
}

/**
 * Producers are asked for events from this long before the last sign of a whole queue. An event that is being retried may
 * be older than the newest one that was handled. So this is longer than all retry delays of one event together, about 13
 * minutes, and than the difference between the clocks of two services.
 */
const margin = `interval '1 hour'`;

function statementsOf(schema: Schema) {
  return {
    readGeneration: schema.prepared(
      'queue_look',
      `SELECT generation, restored FROM ${schema}.queue WHERE service = $1`,
    ),

    /**
     * Records that the queue is whole, and lets any instance send the open requests. From now on the queue gets all events
     * that are published, so the answers leave no gap.
     */
    recordWhole: schema.prepared(
      'queue_whole',
      `
WITH noted AS (
  INSERT INTO ${schema}.queue AS q (service, generation, whole_at) VALUES ($1, $2, now())
  ON CONFLICT (service) DO UPDATE SET whole_at = now() WHERE q.generation = $2
  RETURNING 1
), askable AS (
  UPDATE ${schema}.recovery SET asked_at = NULL WHERE asked_at = 'infinity' AND EXISTS (SELECT FROM noted)
), copyable AS (
  UPDATE ${schema}.copy SET asked_at = NULL WHERE asked_at = 'infinity' AND EXISTS (SELECT FROM noted)
)
SELECT FROM noted`,
    ),

    /**
     * Records a loss and opens a request to each producer (`recovery`). `lost_since` is the earlier of two times: that of
     * the newest event that was handled, since a queue delivers in order, and that of the last check that found the queue
     * whole. If both are missing, the service is new and has lost nothing. If `lost_since` is older than what outboxes
     * keep, the copies are requested again as well.
     *
     * `asked_at` is `infinity`, so that no request is sent before the queue is whole: events that are published between an
     * earlier answer and the binding would be missing.
     *
     * `$2` is the generation with which the check began. Of several instances that see one loss, the first records it.
     */
    recordLoss: `
WITH noted AS (
  INSERT INTO ${schema}.queue AS q (service, generation) VALUES ($1, 1)
  ON CONFLICT (service) DO UPDATE SET generation = q.generation + 1, restored = false WHERE q.generation = $2
  RETURNING generation, whole_at
), handled AS (
  SELECT to_timestamp(('x' || left(replace(event_id, '-', ''), 12))::bit(48)::bigint / 1000.0) AS newest
  FROM ${schema}.inbox
  WHERE consumer = $1 AND event_id ~ '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$'
  ORDER BY event_id DESC LIMIT 1
), bound AS (
  SELECT least(whole_at, (SELECT newest FROM handled)) - ${margin} AS lost_since FROM noted
), asked AS (
  INSERT INTO ${schema}.recovery AS r (source, types, lost_since, asked_at)
  SELECT source, array_agg(type), lost_since,
    'infinity'::timestamptz FROM unnest($3::text[], $4::text[]) AS t (source, type), bound
  WHERE lost_since IS NOT NULL GROUP BY source, lost_since
  ON CONFLICT (source) DO UPDATE SET
    types = CASE WHEN r.completed_at IS NULL
      THEN ARRAY(SELECT DISTINCT t FROM unnest(r.types || excluded.types) AS t ORDER BY t) ELSE excluded.types END,
    lost_since = CASE WHEN r.completed_at IS NULL
      THEN least(r.lost_since, excluded.lost_since) ELSE excluded.lost_since END,
    replay_id = gen_random_uuid(), asked_at = excluded.asked_at, completed_at = NULL
), anew AS (
  UPDATE ${schema}.copy SET replay_id = gen_random_uuid(), asked_at = 'infinity', completed_at = NULL
  FROM bound WHERE lost_since < now() - $5::int * interval '1 day'
)
SELECT generation::text, lost_since AS "lostSince", lost_since < now() - $5::int * interval '1 day' AS "isTooOld"
FROM noted, bound`,
  };
}

/** `lostSince` and `isTooOld` are null for a new service, which has lost nothing. */
interface Loss {
  generation: string;
  lostSince: Date | null;
  isTooOld: boolean | null;
}

const lossText =
  'the queue or its bindings were lost, or the database was restored; requesting what producers published since';

/**
 * Records in the service's database, for all instances, when its queue was whole and when it was lost. A restored database
 * counts as a loss too: it lacks the events that were handled since its backup.
 *
 * `look`, and the `lost` and `whole` of its result, reject if the database fails.
 */
export function createQueueWatch(parts: QueueWatchParts): QueueWatch {
  const { service, pool, schema, onWhole, limits, log } = parts;
  const statements = statementsOf(schema);
  const types = [...new Set(parts.types)].sort();
  const sources = types.map(serviceOf);
  let wasLost = false;

  return {
    async look(): Promise<QueueLook> {
      const { rows } = await pool.query<{ generation: string; restored: boolean }>(
        statements.readGeneration([service]),
      );
      const { generation: first = '0', restored = false } = rows[0] ?? {};
      let generation = first;
      const look: QueueLook = {
        async lost() {
          const values = [service, generation, sources, types, limits.outboxDays];
          const { rows: losses } = await pool.query<Loss>(statements.recordLoss, values);
          const [loss] = losses;
          if (!loss) return;
          generation = loss.generation;
          const { lostSince, isTooOld } = loss;
          if (!lostSince) return;
          wasLost = true;
          if (isTooOld)
            log.error({ lostSince }, `${lossText}, and all copies, since outboxes keep nothing that old`);
          else log.warn({ lostSince }, lossText);
        },
        async whole() {
          const { rowCount } = await pool.query(statements.recordWhole([service, generation]));
          if (!wasLost || rowCount === 0) return;
          wasLost = false;
          onWhole();
        },
      };
      if (restored) await look.lost();
      return look;
    },
  };
}
