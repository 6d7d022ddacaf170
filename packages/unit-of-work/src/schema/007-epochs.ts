/**
 * What tells a restored database from the one that was lost.
 *
 * `meta.entity_epoch` is the epoch of this service's entities: it travels with each event and outranks every version
 * of an earlier epoch. `system_identifier` and `timeline` are those of the PostgreSQL cluster that the epoch began on.
 * `copy.entity_epoch` is the newest epoch that a source of copies was heard in.
 */
export const epochs = `
ALTER TABLE messaging.meta ADD COLUMN entity_epoch integer NOT NULL DEFAULT 0,
  ADD COLUMN system_identifier text, ADD COLUMN timeline text;
ALTER TABLE messaging.copy ADD COLUMN entity_epoch integer NOT NULL DEFAULT 0;

CREATE FUNCTION messaging.begin_epoch() RETURNS integer
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  UPDATE messaging.copy SET replay_id = gen_random_uuid(), asked_at = NULL, completed_at = NULL;
  UPDATE messaging.meta SET epoch = left(replace(gen_random_uuid()::text, '-', ''), 16),
    entity_epoch = entity_epoch + 1
  RETURNING entity_epoch;
$$;
REVOKE ALL ON FUNCTION messaging.begin_epoch() FROM PUBLIC;
`;
