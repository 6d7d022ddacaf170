import type { Schema } from '../schema.js';

/**
 * Outbox and inbox are partitioned by id. For UUIDv7 that is by day, and an id meets the same unique index whenever it
 * comes again. Retention creates the partitions in advance. `outbox_rest` and `inbox_rest` take the ids that fit no day,
 * so that a write never fails because a partition is missing.
 *
 * - `outbox.claimed_until` is in the past for a row that no relay owns, so that one index serves the poll.
 * - `feed.data` and `idempotency.outcome` are `json`, since `jsonb` changes what was written and refuses some escapes.
 * - `suspect` holds messages whose handling may have crashed processes. `named_by` has one id for each process.
 */
export const initial = (schema: Schema) => `
CREATE TABLE ${schema}.meta (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  epoch text NOT NULL DEFAULT left(replace(gen_random_uuid()::text, '-', ''), 16)
);
INSERT INTO ${schema}.meta DEFAULT VALUES;

CREATE TABLE ${schema}.outbox (
  id uuid PRIMARY KEY,
  type text NOT NULL,
  body text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  claimed_until timestamptz NOT NULL DEFAULT '-infinity',
  published_at timestamptz
) PARTITION BY RANGE (id);
CREATE TABLE ${schema}.outbox_rest PARTITION OF ${schema}.outbox DEFAULT;
CREATE INDEX outbox_unpublished ON ${schema}.outbox (claimed_until, created_at) WHERE published_at IS NULL;
CREATE INDEX outbox_rest_created_at ON ${schema}.outbox_rest (created_at);

CREATE TABLE ${schema}.inbox (
  consumer text COLLATE "C" NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  handled_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, event_id)
) PARTITION BY RANGE (event_id);
CREATE TABLE ${schema}.inbox_rest PARTITION OF ${schema}.inbox DEFAULT;
CREATE INDEX inbox_handled_at ON ${schema}.inbox USING brin (handled_at);

CREATE TABLE ${schema}.suspect (
  consumer text COLLATE "C" NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  named_by uuid[] NOT NULL,
  named_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, event_id)
);

CREATE TABLE ${schema}.feed_head (
  user_id text COLLATE "C" PRIMARY KEY,
  seq bigint NOT NULL,
  epoch integer NOT NULL DEFAULT 0
) WITH (fillfactor = 60);

CREATE TABLE ${schema}.feed (
  user_id text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  type text NOT NULL,
  id uuid NOT NULL,
  time timestamptz NOT NULL,
  data json NOT NULL,
  PRIMARY KEY (user_id, seq)
);

CREATE TABLE ${schema}.idempotency (
  user_id text COLLATE "C" NOT NULL,
  operation text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  input_hash text NOT NULL,
  outcome json NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, operation, key)
);
CREATE INDEX idempotency_created_at ON ${schema}.idempotency (created_at);
`;
