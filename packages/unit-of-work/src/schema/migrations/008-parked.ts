import type { Schema } from '../schema.js';

/**
 * `parked_at`: since when the event waits for an operator because the broker refused it. Its `claimed_until` is
 * `infinity`, so that no relay claims it, not even one of an older build.
 *
 * The default of `claimed_until` becomes the time of the insert: a new row then comes after rows that are free for longer,
 * and one index order serves all polls.
 */
export const parked = (schema: Schema) => `
ALTER TABLE ${schema}.outbox ADD COLUMN parked_at timestamptz,
  ADD COLUMN parked_because text,
  ALTER COLUMN claimed_until SET DEFAULT now();
`;
