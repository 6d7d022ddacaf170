import type { RawClient } from '../api.js';
import type { Schema } from '../schema/schema.js';

/**
 * Deletes everything of these users from the kit's tables: their feeds, their personal fields in the feeds of others, the
 * records of `once`, and published events about them. Retention deletes unpublished events after they are published. Each
 * feed begins its next epoch, so that older cursors can't be followed.
 *
 * The first statement changes the counters, so it waits for transactions that write to these feeds. The second one begins
 * after that and therefore sees what they wrote.
 */
export async function eraseUsers(db: RawClient, schema: Schema, users: Iterable<string>): Promise<void> {
  const sorted = [...users].sort();
  await db.$queryRawUnsafe(nextEpochs(schema), sorted);
  await db.$queryRawUnsafe(eraseRows(schema), sorted);
}

const nextEpochs = (schema: Schema) => `
WITH heads AS (
  INSERT INTO ${schema}.feed_head AS h (user_id, seq) SELECT id, 0 FROM unnest($1::text[]) AS id
  ON CONFLICT (user_id) DO UPDATE SET epoch = h.epoch + 1
  RETURNING 1
) SELECT count(*)::int FROM heads`;

const eraseRows = (schema: Schema) => `
WITH feed AS (DELETE FROM ${schema}.feed WHERE user_id = ANY($1::text[])),
  personal AS (
    DELETE FROM ${schema}.feed_personal WHERE person = ANY($1::text[]) OR user_id = ANY($1::text[])
    RETURNING user_id, seq, fields
  ),
  others AS (
    UPDATE ${schema}.feed f
    SET data = (f.data::jsonb || (SELECT jsonb_object_agg(field, NULL) FROM unnest(p.fields) AS field))::json
    FROM personal p WHERE f.user_id = p.user_id AND f.seq = p.seq AND f.user_id <> ALL($1::text[])
  ),
  idempotency AS (DELETE FROM ${schema}.idempotency WHERE user_id = ANY($1::text[])),
  outbox AS (DELETE FROM ${schema}.outbox WHERE about = ANY($1::text[]) AND published_at IS NOT NULL),
  erased AS (
    INSERT INTO ${schema}.erased (user_id) SELECT unnest($1::text[])
    ON CONFLICT (user_id) DO UPDATE SET erased_at = excluded.erased_at
  )
SELECT 1 AS done`;
