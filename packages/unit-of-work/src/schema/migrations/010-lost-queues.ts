import type { Schema } from '../schema.js';

/**
 * - `queue`: when the service last saw its queue on the broker whole, which means that it exists with all its bindings.
 *   `generation` grows with each loss, so that a check that began before a loss can't call the queue whole. `restored`: the
 *   database was restored and lacks what was handled since the backup; the next check treats that as a loss.
 * - `recovery`: the request to each producer to publish again what it published since `lost_since`.
 * - `outbox.returned_at`: since when no queue takes the event although a service consumes its type. Its `claimed_until` is
 *   `infinity`, so that no relay claims it, not even one of an older build.
 */
export const lostQueues = (schema: Schema) => `
CREATE TABLE ${schema}.queue (
  service text COLLATE "C" PRIMARY KEY,
  generation bigint NOT NULL,
  whole_at timestamptz,
  restored boolean NOT NULL DEFAULT false
);

CREATE TABLE ${schema}.recovery (
  source text COLLATE "C" PRIMARY KEY,
  types text[] NOT NULL,
  lost_since timestamptz NOT NULL,
  replay_id uuid NOT NULL DEFAULT gen_random_uuid(),
  asked_at timestamptz,
  completed_at timestamptz
);

ALTER TABLE ${schema}.outbox ADD COLUMN returned_at timestamptz;

CREATE OR REPLACE FUNCTION ${schema}.begin_epoch() RETURNS integer
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  UPDATE ${schema}.copy SET replay_id = gen_random_uuid(), asked_at = NULL, completed_at = NULL;
  UPDATE ${schema}.queue SET restored = true;
  UPDATE ${schema}.meta SET epoch = left(replace(gen_random_uuid()::text, '-', ''), 16),
    entity_epoch = entity_epoch + 1
  RETURNING entity_epoch;
$$;
`;
