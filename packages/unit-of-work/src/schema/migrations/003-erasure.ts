import type { Schema } from '../schema.js';

/**
 * - `outbox.about`: the user whose personal data an event carries, so that it is deleted with them. Partitions that exist
 *   already get no index, since building it would block all writers.
 * - `outbox.confidential`: the event is deleted as soon as it is published.
 * - `erased`: users who were erased, for as long as the outbox may still publish events about them.
 */
export const erasure = (schema: Schema) => `
ALTER TABLE ${schema}.outbox ADD COLUMN about text COLLATE "C",
  ADD COLUMN confidential boolean NOT NULL DEFAULT false;
CREATE INDEX outbox_about ON ONLY ${schema}.outbox (about) WHERE about IS NOT NULL;

CREATE TABLE ${schema}.erased (
  user_id text COLLATE "C" PRIMARY KEY,
  erased_at timestamptz NOT NULL DEFAULT now()
);
`;
