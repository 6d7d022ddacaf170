import type { EncodedEvent } from '@warren/event-bus';
import type { Pool } from 'pg';
import type { RawClient, SnapshotSource, TransactionalClient } from '../api.js';
import { entityEpochIn } from '../epoch/epochs.js';
import type { Limits } from '../limits.js';
import type { OutboxRow } from '../transaction/effects.js';
import type { Language } from '../transaction/language.js';
import type { Position, ReplayJob } from './jobs.js';

/** A part of a replay, ready to be sent. Without `next` it is the last one. */
export interface Page {
  events: EncodedEvent[];
  next?: Position;
}

export interface PagesParts<Db extends RawClient> {
  pool: Pool;
  client: TransactionalClient<Db>;
  language: Language;
  snapshots: readonly SnapshotSource<Db>[];
  limits: Limits;
}

/** What a job is to send next. Throws `Unanswerable` for what this service can't send. */
export type Pages = (job: ReplayJob) => Promise<Page>;

/** The replay will never succeed as it was asked for. */
export class Unanswerable extends Error {
  override readonly name = 'Unanswerable';
}

export const pageSize = 200;

export function createPages<Db extends RawClient>(parts: PagesParts<Db>): Pages {
  return (job) => (job.source === 'outbox' ? outboxPage(parts, job) : snapshotPage(parts, job));
}

/** Rows of the outbox that one page reads, whether it sends them or not: so no query takes long. */
const rowsPerPage = 1_000;

/**
 * By id, which for UUIDv7 is by time, and by which the outbox has an index in each of its partitions.
 *
 * For a lost queue (`$4`) it matters when an event was published, not when it was written. A row that isn't marked as
 * published may have been published all the same, so it counts too. `body` is null where the row isn't sent.
 */
const outbox = `
SELECT id, type, CASE WHEN NOT confidential AND parked_at IS NULL AND ($2::text[] IS NULL OR type = ANY($2)) AND (
    $3::timestamptz IS NULL OR created_at >= $3 OR ($4 AND coalesce(published_at, 'infinity') >= $3)
  ) THEN body END AS body
FROM messaging.outbox WHERE $1::uuid IS NULL OR id > $1
ORDER BY id LIMIT $5`;

async function outboxPage<Db extends RawClient>(
  { pool, limits }: PagesParts<Db>,
  job: ReplayJob,
): Promise<Page> {
  const isForLostQueue = job.asked && job.since !== null;
  if (job.asked && !isForLostQueue && job.position === null) await demandWholeOutbox(pool, limits.outboxDays);
  const values = [job.position?.after ?? null, job.types, job.since, isForLostQueue, rowsPerPage];
  const { rows } = await pool.query<Pick<OutboxRow, 'id' | 'type'> & { body: string | null }>(outbox, values);
  const events = rows.flatMap(({ id, type, body }) => {
    if (body === null) return [];
    return [{ id, type, to: job.consumer, body: job.withEffects ? body : asReplayed(body, job.id) }];
  });
  const last = rows.at(-1);
  return { events, ...(last && rows.length === rowsPerPage && { next: { type: '', after: last.id } }) };
}

/** A copy made from a part of what happened would be taken for a whole one. */
async function demandWholeOutbox(pool: Pool, days: number): Promise<void> {
  const { rowCount } = await pool.query(
    `SELECT FROM messaging.migration WHERE version = 1 AND applied_at > now() - $1::int * interval '1 day'`,
    [days],
  );
  if (rowCount === 0)
    throw new Unanswerable('There are no snapshots of these types, and the outbox begins too late');
}

function asReplayed(body: string, replayId: string): string {
  return JSON.stringify({ ...JSON.parse(body), replayid: replayId });
}

/** One kind of entity after the other. */
async function snapshotPage<Db extends RawClient>(parts: PagesParts<Db>, job: ReplayJob): Promise<Page> {
  const { client, language, limits } = parts;
  const sources = parts.snapshots.filter(({ type }) => job.types === null || job.types.includes(type));
  const index = job.position === null ? 0 : sources.findIndex(({ type }) => type === job.position?.type);
  const source = sources[index];
  if (!source) throw new Unanswerable('This service has no snapshots of these types');
  const { epoch, entities } = await client.$transaction(
    async (db) => ({
      // Read first: rows of a later epoch that bear this one are sent again in a replay of that epoch.
      epoch: await entityEpochIn(db),
      entities: await source.page(db, job.position?.after || undefined, pageSize),
    }),
    {
      maxWait: limits.maxWaitMs,
      timeout: limits.transactionMs,
    },
  );
  const cause = { correlationId: job.id };
  const events = entities.map((entity) => ({
    ...language.event({ type: source.type, ...entity }, epoch, cause, job.id),
    to: job.consumer,
  }));
  const last = entities.at(-1);
  if (last && entities.length === pageSize)
    return { events, next: { type: source.type, after: last.subject } };
  const following = sources[index + 1];
  return { events, ...(following && { next: { type: following.type, after: '' } }) };
}
