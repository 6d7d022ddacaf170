import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { DomainEvent } from '@warren/contracts';
import { createMemoryEventBus, type MemoryEventBus } from '@warren/event-bus';
import { eventually } from '@warren/testing';
import { createUnitOfWork, pgClient, react } from '@warren/unit-of-work';
import pg from 'pg';
import { noteEvent, publishTo } from './support/deliveries.js';
import { contract, type Fixture, fixture, type Instance, type NoteTx, quiet } from './support/fixture.js';

let db: Fixture;
let bus: MemoryEventBus;
let instance: Instance | undefined;
let isAway = false;
/** So many of the next transactions can't begin. */
let refusals = 0;
beforeAll(async () => {
  db = await fixture();
});
afterAll(() => db.close());
beforeEach(async () => {
  isAway = false;
  refusals = 0;
  await db.sql('TRUNCATE note, messaging.inbox, messaging.suspect');
});
afterEach(async () => {
  await bus.close();
  await instance?.stop();
});

type Handle = (tx: NoteTx, event: DomainEvent, run: number) => Promise<void>;

const keep = (tx: NoteTx, { subject }: DomainEvent) =>
  tx.$queryRawUnsafe('INSERT INTO note VALUES ($1, $1)', subject);

/** `runs`: how often each subject was handled, in vain or not. */
async function consuming(bad: Handle, retryDelays: readonly number[] = [20, 20]) {
  bus = createMemoryEventBus({ retryDelays });
  const made = db.instance({ bus, isAway: () => isAway || refusals-- > 0 });
  instance = made;
  const runs = new Map<string, number>();
  await made.start({
    handlers: [
      react(contract, 'note.written', {
        async handle(tx: NoteTx, event) {
          const run = (runs.get(event.subject) ?? 0) + 1;
          runs.set(event.subject, run);
          await keep(tx, event);
          if (event.subject.startsWith('bad')) await bad(tx, event, run);
        },
      }),
    ],
  });
  return { runs, stats: () => made.stats().consumer };
}

function publish(...subjects: string[]): DomainEvent[] {
  const events = subjects.map((subject) => noteEvent({ subject }));
  publishTo(bus, events);
  return events;
}

const names = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
const kept = async () =>
  (await db.sql<{ id: string }>('SELECT id FROM note ORDER BY id')).map(({ id }) => id);
const raise = (code: string) => `DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '${code}'; END $$`;

const terminate: Handle = async (tx) => {
  await tx.$queryRawUnsafe('SELECT pg_terminate_backend(pg_backend_pid())');
};
const exceedTempFileLimit: Handle = async (tx) => {
  await tx.$queryRawUnsafe(
    `SELECT set_config('temp_file_limit', '64kB', true), set_config('work_mem', '64kB', true)`,
  );
  await tx.$queryRawUnsafe('SELECT count(*) FROM (SELECT g FROM generate_series(1, 200000) g ORDER BY -g) s');
};
const failWith =
  (code: string): Handle =>
  async (tx) => {
    await tx.$queryRawUnsafe(raise(code));
  };

describe('an event whose failure looks like an outage', () => {
  it.each<[string, Handle]>([
    ['a backend that is terminated', terminate],
    ['a limit for temporary files', exceedTempFileLimit],
    ['a full disk', failWith('53100')],
    ['too little memory', failWith('53200')],
    ['a failed connection', failWith('08006')],
    ['a refused sign-in', failWith('28000')],
    ['a server that is not ready', failWith('57P03')],
  ])('becomes a dead letter, and the other events of its batch commit: %s', async (_what, bad) => {
    const { runs, stats } = await consuming(bad);
    const neighbours = names(60, 'good');
    const [first] = publish('bad', ...neighbours);
    await eventually(async () => expect(await kept()).toEqual(neighbours.toSorted()));
    await eventually(() =>
      expect(bus.deadLetters).toMatchObject([{ id: first?.id, reason: 'retries-exhausted', attempts: 3 }]),
    );
    // Each attempt: once among others at most, once alone, and once more.
    expect(runs.get('bad')).toBeLessThanOrEqual(9);
    expect(stats()).toMatchObject({ handled: 60, retried: 3 });
  });

  it('becomes a dead letter if the server crashes each time that it is handled, and the other events commit', async () => {
    const { runs } = await consuming(
      async (tx, event, run) => {
        // The probe that follows.
        refusals = 1;
        await terminate(tx, event, run);
      },
      [20],
    );
    const neighbours = names(20, 'good');
    const [first] = publish('bad', ...neighbours);
    await eventually(async () => expect(await kept()).toEqual(neighbours.toSorted()), { within: 30_000 });
    await eventually(() => expect(bus.deadLetters).toMatchObject([{ id: first?.id, attempts: 2 }]), {
      within: 30_000,
    });
    expect(runs.get('bad')).toBeLessThanOrEqual(8);
  });
});

describe('a random failure of the database', () => {
  it('counts no attempt if the work succeeds when it runs again', async () => {
    const { stats } = await consuming((tx, event, run) =>
      run === 1 || (event.subject === 'bad-1' && run === 2) ? terminate(tx, event, run) : Promise.resolve(),
    );
    publish('bad-1', 'bad-2', 'good');
    await eventually(async () => expect(await kept()).toEqual(['bad-1', 'bad-2', 'good']));
    expect(stats()).toMatchObject({ handled: 3, retried: 0, dead: 0 });
  });

  it('counts no attempt while other work exhausts the connection pool, however long that lasts', async () => {
    const pool = new pg.Pool({
      connectionString: db.url,
      max: 1,
      connectionTimeoutMillis: 200,
      pipeline: true,
    });
    const taken = await pool.connect();
    bus = createMemoryEventBus({ retryDelays: [10] });
    const inner = pgClient(pool);
    let refusals = 0;
    const client: typeof inner = {
      ...inner,
      $transaction: (work, options) =>
        inner.$transaction(work, options).catch((error: unknown) => {
          refusals += 1;
          throw error;
        }),
    };
    const made = createUnitOfWork({ contract, client, pool, bus, log: quiet });
    await made.start({
      handlers: [
        react(contract, 'note.written', {
          handle: async (tx: NoteTx, event) => void (await keep(tx, event)),
        }),
      ],
    });
    publish('good-1', 'good-2');
    await eventually(() => expect(refusals).toBeGreaterThan(3), { within: 30_000 });
    taken.release();
    await eventually(async () => expect(await kept()).toEqual(['good-1', 'good-2']));
    expect(made.stats().consumer).toMatchObject({ handled: 2, retried: 0, dead: 0 });
    await made.stop();
    await pool.end();
  });
});

describe('a long outage of the database', () => {
  it('counts no attempt for the events that were being handled when it began', async () => {
    let outages = 0;
    const { stats } = await consuming(
      async (tx, event, run) => {
        if (outages === 2) return;
        outages += 1;
        isAway = true;
        await terminate(tx, event, run);
      },
      [10],
    );
    publish('bad', ...names(5, 'good'));
    for (const outage of [1, 2]) {
      await eventually(() => expect([outages, isAway]).toEqual([outage, true]));
      // Many times as long as all the delays.
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      isAway = false;
    }
    await eventually(async () => expect(await kept()).toHaveLength(6));
    expect(stats()).toMatchObject({ handled: 6, retried: 0, dead: 0 });
    expect(bus.deadLetters).toEqual([]);
  });
});
