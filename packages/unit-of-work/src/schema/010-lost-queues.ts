/**
 * `queue`: whether the service's queue on the broker was there and bound, as its instances saw it. `generation` grows
 * with each loss, so that a look which began before it can't call the queue whole. `recovery`: what each producer is
 * asked to publish again after a loss.
 *
 * `returned_at`: no queue took the event although a contract consumes it. `claimed_until` is `infinity` then, so that
 * no relay takes it, of the build before this one neither.
 */
export const lostQueues = `
CREATE TABLE messaging.queue (
  service text COLLATE "C" PRIMARY KEY,
  generation bigint NOT NULL,
  whole_at timestamptz
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
`;
