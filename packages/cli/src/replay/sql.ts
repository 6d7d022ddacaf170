import type { Database, Statement } from '../connections.js';

/** A row that is inserted into the table `replay` to request a replay from the producer. */
export interface ReplayRequest {
  consumer: string;
  source: 'outbox' | 'snapshot';
  /** `null` means all. */
  types: readonly string[] | null;
  since: Date | null;
  withEffects: boolean;
  requestedBy: string;
}

export type ReplayState = {
  state: 'waiting' | 'running' | 'done' | 'failed';
  sent: number;
  error: string | null;
};

/** Must select the same rows as the producer's replay does. */
const matching: Statement = (schema) => `
SELECT count(*)::int AS count FROM ${schema}.outbox
WHERE NOT confidential AND parked_at IS NULL AND ($1::text[] IS NULL OR type = ANY($1)) AND ($2::timestamptz IS NULL OR created_at >= $2)`;

const insertion: Statement = (schema) => `
INSERT INTO ${schema}.replay (consumer, source, types, since, with_effects, requested_by)
VALUES ($1, $2, $3::text[], $4, $5, $6) RETURNING id`;

const progress: Statement = (schema) =>
  `SELECT state, sent::float8 AS sent, error FROM ${schema}.replay WHERE id = $1`;

const newest: Statement = (schema) => `SELECT type FROM ${schema}.outbox ORDER BY id DESC LIMIT 1`;

export async function countMatching(
  database: Database,
  { types, since }: Pick<ReplayRequest, 'types' | 'since'>,
): Promise<number> {
  return (await database.rows<{ count: number }>(matching, [types, since]))[0]?.count ?? 0;
}

/** Returns the replay's id. */
export async function insertReplay(database: Database, request: ReplayRequest): Promise<string> {
  const { consumer, source, types, since, withEffects, requestedBy } = request;
  const values = [consumer, source, types, since, withEffects, requestedBy];
  return (await database.rows<{ id: string }>(insertion, values))[0]?.id ?? '';
}

/** Returns `undefined` if the row is gone. */
export async function replayState(database: Database, id: string): Promise<ReplayState | undefined> {
  return (await database.rows<ReplayState>(progress, [id]))[0];
}

/** The type of the newest event in the outbox. It begins with the name of the service that owns the database. */
export async function newestType(database: Database): Promise<string | undefined> {
  return (await database.rows<{ type: string }>(newest))[0]?.type;
}
