import type { EncodedEvent } from '@warren/event-bus';
import type { Pool } from 'pg';
import type { RawClient, SnapshotSource, TransactionalClient } from '../api.js';
import { entityEpochIn } from '../epoch/epochs.js';
import type { Limits } from '../limits.js';
import type { Schema } from '../schema/schema.js';
import type { OutboxRow } from '../transaction/effects.js';
import type { Serializer } from '../transaction/serializer.js';
import type { Position, ReplayJob } from './jobs.js';

/** A part of a replay. `next` is missing in the last one. */
export interface Page {
  events: EncodedEvent[];
  next?: Position;
}

export interface PagesParts<Db extends RawClient> {
  pool: Pool;
  schema: Schema;
  client: TransactionalClient<Db>;
  serializer: Serializer;
  snapshots: readonly SnapshotSource<Db>[];
  limits: Limits;
}

/** Reads the next page of a job. Throws `Unanswerable` if this service can't send it. */
export type Pages = (job: ReplayJob) => Promise<Page>;

/** The replay can't succeed as it was requested. */
export class Unanswerable extends Error {
  override readonly name = 'Unanswerable';
}

export const pageSize = 200;

export function createPages<Db extends RawClient>(parts: PagesParts<Db>): Pages {
  return (job) => (job.source === 'outbox' ? outboxPage(parts, job) : snapshotPage(parts, job));
}

/** How many rows of the outbox one page reads, whether it sends them or not, so that no query takes long. */
const rowsPerPage = 1_000;

/**
 * In the order of ids, which for UUIDv7 is that of time, and for which each partition of the outbox has an index.
 *
 * For a lost queue (`$4`) it matters when an event was published, not when it was written. A row that is not marked as
 * published may have been published nevertheless, so it is sent too. `body` is null if the row is not sent.
 */
const outboxRows = (schema: Schema) => `
SELECT id, type, CASE WHEN NOT confidential AND parked_at IS NULL AND ($2::text[] IS NULL OR type = ANY($2)) AND (
    $3::timestamptz IS NULL OR created_at >= $3 OR ($4 AND coalesce(published_at, 'infinity') >= $3)
  ) THEN body END AS body
FROM ${schema}.outbox WHERE $1::uuid IS NULL OR id > $1
ORDER BY id LIMIT $5`;

async function outboxPage<Db extends RawClient>(
  { pool, schema, limits }: PagesParts<Db>,
  job: ReplayJob,
): Promise<Page> {
  const isForLostQueue = job.asked && job.since !== null;
  if (job.asked && !isForLostQueue && job.position === null)
    await demandWholeOutbox(pool, schema, limits.outboxDays);
  const values = [job.position?.after ?? null, job.types, job.since, isForLostQueue, rowsPerPage];
  const { rows } = await pool.query<Pick<OutboxRow, 'id' | 'type'> & { body: string | null }>(
    outboxRows(schema),
    values,
  );
  const events = rows.flatMap(({ id, type, body }) => {
    if (body === null) return [];
    return [{ id, type, to: job.consumer, body: job.withEffects ? body : asReplayed(body, job.id) }];
  });
  const last = rows.at(-1);
  return { events, ...(last && rows.length === rowsPerPage && { next: { type: '', after: last.id } }) };
}

/** Throws if the outbox lacks older events: a copy that is made from some of the events would seem complete. */
async function demandWholeOutbox(pool: Pool, schema: Schema, days: number): Promise<void> {
  const { rowCount } = await pool.query(
    `SELECT FROM ${schema}.migration WHERE version = 1 AND applied_at > now() - $1::int * interval '1 day'`,
    [days],
  );
  if (rowCount === 0)
    throw new Unanswerable(
      'there are no snapshots of these types, and the outbox is too young to have all events',
    );
}

function asReplayed(body: string, replayId: string): string {
  return JSON.stringify({ ...JSON.parse(body), replayid: replayId });
}

/** Sends one type of snapshots after the other. */
async function snapshotPage<Db extends RawClient>(parts: PagesParts<Db>, job: ReplayJob): Promise<Page> {
  const { client, schema, serializer, limits } = parts;
  const sources = parts.snapshots.filter(({ type }) => job.types === null || job.types.includes(type));
  const index = job.position === null ? 0 : sources.findIndex(({ type }) => type === job.position?.type);
  const source = sources[index];
  if (!source) throw new Unanswerable('this service has no snapshots of these types');
  const { epoch, entities } = await client.$transaction(
    async (db) => ({
      // Read before the entities: if an epoch begins meanwhile, a replay of that epoch sends them again.
      epoch: await entityEpochIn(db, schema),
      entities: await source.page(db, job.position?.after || undefined, pageSize),
    }),
    {
      maxWait: limits.maxWaitMs,
      timeout: limits.transactionMs,
    },
  );
  const cause = { correlationId: job.id };
  const events = entities.map((entity) => ({
    ...serializer.event({ type: source.type, ...entity }, epoch, cause, job.id),
    to: job.consumer,
  }));
  const last = entities.at(-1);
  if (last && entities.length === pageSize)
    return { events, next: { type: source.type, after: last.subject } };
  const following = sources[index + 1];
  return { events, ...(following && { next: { type: following.type, after: '' } }) };
}
