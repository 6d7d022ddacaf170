import { defineContract, errorsOf } from '@warren/contracts';
import type { EventBus } from '@warren/event-bus';
import { testDatabase } from '@warren/testing';
import {
  createUnitOfWork,
  type Limits,
  type Messaging,
  migrateMessaging,
  type RawClient,
  type Tx,
} from '@warren/unit-of-work';
import pg from 'pg';
import { pino } from 'pino';
import { type RecordingClient, recordingClient } from './pg-client.js';
import { ScriptedBus } from './scripted-bus.js';

export const note = {
  type: 'object',
  properties: { text: { type: 'string', maxLength: 20 } },
  required: ['text'],
  additionalProperties: false,
};

const noteErrors = {
  'note-locked': { status: 409, temporary: false, title: 'This note is locked' },
  'note-missing': { status: 404, temporary: true, title: 'This note is not known here yet' },
};
export const noteError = errorsOf(noteErrors);

/** Its own handlers consume what it emits, so that one service shows everything. */
export const contract = defineContract({
  service: 'note',
  emits: { 'note.written': note, 'note.erased': note },
  commands: {},
  feed: { 'note.updated': note },
  errors: noteErrors,
  discardable: [] as readonly ('note.written' | 'note.erased')[],
});

export const quiet = pino({ level: process.env.WARREN_TEST_LOG ?? 'silent' });

/** This contract, whatever its types are: what isn't in `keptTypes` is discardable. */
function withKept(keptTypes: ReadonlySet<string>): typeof contract {
  const types = ['note.written', 'note.erased'] as const;
  return { ...contract, discardable: types.filter((type) => !keptTypes.has(type)) };
}

export type NoteTx = Tx<RawClient, typeof contract>;

export interface Fixture {
  url: string;
  pool: pg.Pool;
  /** An instance of the service over this database; each has its own relay. */
  instance(options?: InstanceOptions): Instance;
  sql<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

export interface InstanceOptions {
  bus?: EventBus;
  limits?: Partial<Limits>;
  /** Types of which an event that no queue takes is kept. Default: none. */
  keptTypes?: ReadonlySet<string>;
  /** While true, no transaction can begin. */
  isAway?: () => boolean;
  /** Default: `messaging`, which the fixture has made. */
  schema?: string;
}

export interface Instance extends Messaging<RawClient, typeof contract> {
  client: RecordingClient;
}

const template = {
  name: 'note',
  async fill(url: string) {
    const pool = new pg.Pool({ connectionString: url, pipeline: true });
    await migrateMessaging(pool);
    await pool.query(
      'CREATE TABLE note (id text PRIMARY KEY, text text NOT NULL, times int NOT NULL DEFAULT 1)',
    );
    await pool.end();
  },
};

/** A fresh database with the `messaging` schema and one table for the work's own state. */
export async function fixture(): Promise<Fixture> {
  const database = await testDatabase(template);
  const pool = new pg.Pool({
    connectionString: database.url,
    max: 20,
    connectionTimeoutMillis: 30_000,
    pipeline: true,
  });
  // Tests cut connections; an idle one that dies must not end the process.
  pool.on('error', () => undefined);
  const instances: Instance[] = [];
  return {
    url: database.url,
    pool,
    instance({ bus = new ScriptedBus(), limits, keptTypes = new Set<string>(), isAway, schema } = {}) {
      const client = recordingClient(pool, isAway);
      const made = createUnitOfWork({
        contract: withKept(keptTypes),
        client,
        pool,
        bus,
        ...(schema && { schema }),
        log: quiet,
        limits: { stopMs: 500, ...limits },
      });
      const instance = { ...made, client };
      instances.push(instance);
      return instance;
    },
    sql: async (text, values) => (await pool.query(text, values)).rows,
    async close() {
      await Promise.all(instances.map((instance) => instance.stop()));
      // The database is dropped by force, so that a test that failed halfway leaves no connection behind.
      const ended = pool.end();
      await database.close();
      await ended;
    },
  };
}

/** State, an event and a feed entry for each user. */
export async function writeNote(tx: NoteTx, id: string, users: readonly string[] = []): Promise<void> {
  await tx.$queryRawUnsafe(
    'INSERT INTO note (id, text) VALUES ($1, $1) ON CONFLICT (id) DO UPDATE SET times = note.times + 1',
    id,
  );
  tx.publish({ type: 'note.written', subject: id, version: 1, data: { text: id } });
  for (const user of users) tx.feed(user, { type: 'note.updated', data: { text: id } });
}
