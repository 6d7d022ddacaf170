import type { Schema } from '../schema.js';

/**
 * Tells a restored database from the one before.
 *
 * - `meta.entity_epoch`: the epoch of this service's entities. Each event carries it. A version of a later epoch is newer
 *   than all versions of earlier epochs.
 * - `meta.system_identifier`, `meta.timeline`: those of the PostgreSQL cluster on which the epoch began.
 * - `copy.entity_epoch`: the newest epoch that was seen in events of this source.
 */
export const epochs = (schema: Schema) => `
ALTER TABLE ${schema}.meta ADD COLUMN entity_epoch integer NOT NULL DEFAULT 0,
  ADD COLUMN system_identifier text, ADD COLUMN timeline text;
ALTER TABLE ${schema}.copy ADD COLUMN entity_epoch integer NOT NULL DEFAULT 0;

CREATE FUNCTION ${schema}.begin_epoch() RETURNS integer
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  UPDATE ${schema}.copy SET replay_id = gen_random_uuid(), asked_at = NULL, completed_at = NULL;
  UPDATE ${schema}.meta SET epoch = left(replace(gen_random_uuid()::text, '-', ''), 16),
    entity_epoch = entity_epoch + 1
  RETURNING entity_epoch;
$$;
REVOKE ALL ON FUNCTION ${schema}.begin_epoch() FROM PUBLIC;
`;
