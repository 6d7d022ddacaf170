import type { Schema } from '../schema.js';

/** `copy`: which copies of other services' entities are complete. `replay`: the replays that this service sends. */
export const replay = (schema: Schema) => `
CREATE TABLE ${schema}.copy (
  source text COLLATE "C" PRIMARY KEY,
  types text[] NOT NULL,
  replay_id uuid NOT NULL DEFAULT gen_random_uuid(),
  asked_at timestamptz,
  completed_at timestamptz
);

CREATE TABLE ${schema}.replay (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  consumer text NOT NULL,
  source text NOT NULL CHECK (source IN ('outbox', 'snapshot')),
  types text[],
  since timestamptz,
  with_effects boolean NOT NULL DEFAULT false,
  requested_by text NOT NULL,
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'failed')),
  position json,
  sent bigint NOT NULL DEFAULT 0,
  error text,
  lease uuid,
  leased_until timestamptz NOT NULL DEFAULT '-infinity',
  created_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz
);
CREATE INDEX replay_open ON ${schema}.replay (created_at) WHERE state IN ('waiting', 'running');
`;
