/**
 * `queue`: when the service's instances last saw its queue on the broker whole, which is there and bound. `generation`
 * grows with each loss, so that a look that began before a loss can't call the queue whole. `restored`: the database was
 * restored and lacks what was handled since the backup; the next look takes that for a loss.
 *
 * `recovery`: the request to each producer to publish again what it has published since `lost_since`.
 *
 * `outbox.returned_at`: since when no queue takes the event although a contract consumes its type. Its `claimed_until` is
 * `infinity`, so that no relay claims it, not even one of an older build.
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
