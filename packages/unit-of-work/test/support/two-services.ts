import {
  type DomainEvent,
  defineContract,
  type ReplayCompleted,
  type ServiceContract,
  versionOf,
} from '@warren/contracts';
import { createMemoryEventBus, type EncodedEvent, type EventBus } from '@warren/event-bus';
import { type TestDatabase, testDatabase } from '@warren/testing';
import {
  createUnitOfWork,
  type Limits,
  type Messaging,
  migrateMessaging,
  pgClient,
  project,
  type RawClient,
  react,
} from '@warren/unit-of-work';
import pg from 'pg';
import { envelope, rowOf } from '../../src/transaction/serializer.js';
import { note, quiet } from './fixture.js';

const noteContract = defineContract({
  service: 'note',
  emits: { 'note.written': note, 'note.erased': note, 'note.snapshot': note },
  commands: {},
  feed: {},
});

const readerContract = defineContract({
  service: 'reader',
  emits: {},
  commands: {},
  feed: {},
});

const noteTypes = ['note.written', 'note.erased', 'note.snapshot'] as const;

/** What the reader consumes of the notes. */
export const wantedNotes: ReadonlySet<string> = new Set(noteTypes);

const limits: Partial<Limits> = {
  stopMs: 500,
  pollMs: 50,
  replayPollMs: 50,
  catchUpPollMs: 50,
  replayPerSecond: 100_000,
};

/** One service with its database; `start` may be called on several, for several instances. */
export interface Side {
  /** What `start` begins with. */
  options: Parameters<Messaging<RawClient>['start']>[0];
  database: TestDatabase;
  sql<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  instance(bus: EventBus, given?: Partial<Limits>, keptTypes?: ReadonlySet<string>): Messaging<RawClient>;
  start(
    bus: EventBus,
    given?: Partial<Limits>,
    keptTypes?: ReadonlySet<string>,
  ): Promise<Messaging<RawClient>>;
  close(): Promise<void>;
}

/** Writes notes and can show all of them, erased ones as tombstones (without text). */
export async function noteSide(): Promise<Side> {
  return side('CREATE TABLE note (id text PRIMARY KEY, version int NOT NULL, text text)', noteContract, {
    handlers: [],
    snapshots: [
      {
        type: 'note.snapshot',
        async page(db, after, limit) {
          const rows = await db.$queryRawUnsafe<{ id: string; version: number; text: string | null }[]>(
            'SELECT * FROM note WHERE id > $1 ORDER BY id LIMIT $2',
            after ?? '',
            limit,
          );
          return rows.map(({ id, version, text }) => ({
            subject: id,
            version,
            data: { text: text ?? erased },
          }));
        },
      },
    ],
  });
}

/** What a tombstone says in place of a text. */
export const erased = '(erased)';

/** Keeps a copy of each note, and has one effect for each note that is written. */
export async function readerSide(): Promise<Side> {
  const keep = async (tx: RawClient, event: DomainEvent): Promise<void> => {
    const { epoch, version } = versionOf(event);
    await tx.$queryRawUnsafe(
      `INSERT INTO note_copy AS c (id, epoch, version, text) VALUES ($1, $2::int, $3::int, $4)
      ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, version = excluded.version, text = excluded.text
      WHERE (c.epoch, c.version) < (excluded.epoch, excluded.version) RETURNING id`,
      event.subject,
      epoch,
      version,
      (event.data as { text: string }).text,
    );
  };
  return side(
    `CREATE TABLE note_copy (
      id text PRIMARY KEY, epoch int NOT NULL, version int NOT NULL, text text
    );
    CREATE TABLE effect (subject text)`,
    readerContract,
    {
      handlers: [
        ...noteTypes.map((type) => project(noteContract, type, { handle: keep })),
        react(noteContract, 'note.written', {
          async handle(tx: RawClient, { subject }) {
            await tx.$queryRawUnsafe('INSERT INTO effect (subject) VALUES ($1) RETURNING 1', subject);
          },
        }),
      ],
    },
  );
}

/** Word of the end of a replay, as `service` would send it. */
export function envelopeFrom(service: string, data: ReplayCompleted): EncodedEvent {
  const type = `${service}.replay-completed`;
  const event = { type, subject: data.replayId, version: 1, data };
  return rowOf(envelope(service, event, { correlationId: data.replayId }));
}

/** Saves a version of a note and publishes it. */
export async function saveNote(
  { uow }: Pick<Messaging<RawClient>, 'uow'>,
  id: string,
  version = 1,
  text = id,
): Promise<void> {
  await uow.run(async (tx) => {
    await tx.$queryRawUnsafe(
      `INSERT INTO note VALUES ($1, $2::int, $3)
      ON CONFLICT (id) DO UPDATE SET version = $2::int, text = $3 RETURNING id`,
      id,
      version,
      text,
    );
    tx.publish({ type: 'note.written', subject: id, version, data: { text } });
  });
}

/** Both queues exist from the start, as on a broker that both have met before. */
export function sharedBus() {
  return createMemoryEventBus({ queues: { note: [], reader: [...wantedNotes] }, retryDelays: [50] });
}

async function side(
  tables: string,
  contract: ServiceContract,
  options: Parameters<Messaging<RawClient>['start']>[0],
): Promise<Side> {
  const database = await testDatabase();
  const pool = new pg.Pool({ connectionString: database.url, max: 10, pipeline: true });
  pool.on('error', () => undefined);
  await migrateMessaging(pool);
  await pool.query(tables);
  const started: Messaging<RawClient>[] = [];
  const instance: Side['instance'] = (bus, given, keptTypes = new Set()) => {
    const messaging = createUnitOfWork({
      contract: {
        ...contract,
        discardable: Object.keys(contract.emits).filter((type) => !keptTypes.has(type)),
      },
      client: pgClient(pool),
      pool,
      bus,
      log: quiet,
      limits: { ...limits, ...given },
    });
    started.push(messaging);
    return messaging;
  };
  return {
    options,
    database,
    sql: async (text, values) => (await pool.query(text, values)).rows,
    instance,
    async start(bus, given, keptTypes) {
      const messaging = instance(bus, given, keptTypes);
      await messaging.start(options);
      return messaging;
    },
    async close() {
      await Promise.all(started.map((messaging) => messaging.stop()));
      const ended = pool.end();
      await database.close();
      await ended;
    },
  };
}
