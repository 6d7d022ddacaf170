/**
 * `queue`: whether the service's queue on the broker was there and bound, as its instances saw it. `generation` grows
 * with each loss, so that a look which began before it can't call the queue whole. `restored`: the database was, so it
 * lacks what was handled since the backup; the next look takes that for a loss. `recovery`: what each producer is asked
 * to publish again after a loss.
 *
 * `returned_at`: no queue took the event although a contract consumes it. `claimed_until` is `infinity` then, so that
 * no relay takes it, of the build before this one neither.
 */
export const lostQueues = `
CREATE TABLE messaging.queue (
  service text COLLATE "C" PRIMARY KEY,
  generation bigint NOT NULL,
  whole_at timestamptz,
  restored boolean NOT NULL DEFAULT false
);

CREATE TABLE messaging.recovery (
  source text COLLATE "C" PRIMARY KEY,
  types text[] NOT NULL,
  lost_since timestamptz NOT NULL,
  replay_id uuid NOT NULL DEFAULT gen_random_uuid(),
  asked_at timestamptz,
  completed_at timestamptz
);

ALTER TABLE messaging.outbox ADD COLUMN returned_at timestamptz;

CREATE OR REPLACE FUNCTION messaging.begin_epoch() RETURNS integer
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  UPDATE messaging.copy SET replay_id = gen_random_uuid(), asked_at = NULL, completed_at = NULL;
  UPDATE messaging.queue SET restored = true;
  UPDATE messaging.meta SET epoch = left(replace(gen_random_uuid()::text, '-', ''), 16),
    entity_epoch = entity_epoch + 1
  RETURNING entity_epoch;
$$;
`;
