/**
 * Outbox and inbox are partitioned by id: for UUIDv7 that is by day, and whatever comes, the same id always meets
 * the same unique index. Days are made ahead, see `retention`; the `_rest` takes what no day fits, so that a write
 * never fails for want of a partition.
 *
 * `claimed_until` is `-infinity` for a row that no relay owns, so that one index order serves the poll.
 * `json`, not `jsonb`: what was written comes back as it was, also escapes that `jsonb` refuses.
 *
 * `suspect`: messages whose handling may have crashed whoever is in `named_by`, one id a process.
 */
export const initial = `
CREATE TABLE messaging.meta (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  epoch text NOT NULL DEFAULT left(replace(gen_random_uuid()::text, '-', ''), 16)
);
INSERT INTO messaging.meta DEFAULT VALUES;

CREATE TABLE messaging.outbox (
  id uuid PRIMARY KEY,
  type text NOT NULL,
  body text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  claimed_until timestamptz NOT NULL DEFAULT '-infinity',
  published_at timestamptz
) PARTITION BY RANGE (id);
CREATE TABLE messaging.outbox_rest PARTITION OF messaging.outbox DEFAULT;
CREATE INDEX outbox_unpublished ON messaging.outbox (claimed_until, created_at) WHERE published_at IS NULL;
CREATE INDEX outbox_rest_created_at ON messaging.outbox_rest (created_at);

CREATE TABLE messaging.inbox (
  consumer text COLLATE "C" NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  handled_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, event_id)
) PARTITION BY RANGE (event_id);
CREATE TABLE messaging.inbox_rest PARTITION OF messaging.inbox DEFAULT;
CREATE INDEX inbox_handled_at ON messaging.inbox USING brin (handled_at);

CREATE TABLE messaging.suspect (
  consumer text COLLATE "C" NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  named_by uuid[] NOT NULL,
  named_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, event_id)
);

CREATE TABLE messaging.feed_head (
  user_id text COLLATE "C" PRIMARY KEY,
  seq bigint NOT NULL,
  epoch integer NOT NULL DEFAULT 0
) WITH (fillfactor = 60);

CREATE TABLE messaging.feed (
  user_id text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  type text NOT NULL,
  id uuid NOT NULL,
  time timestamptz NOT NULL,
  data json NOT NULL,
  PRIMARY KEY (user_id, seq)
);

CREATE TABLE messaging.idempotency (
  user_id text COLLATE "C" NOT NULL,
  operation text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  input_hash text NOT NULL,
  outcome json NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, operation, key)
);
CREATE INDEX idempotency_created_at ON messaging.idempotency (created_at);
`;
