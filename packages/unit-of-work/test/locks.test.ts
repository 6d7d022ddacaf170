import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { react } from '@warren/unit-of-work';
import { deliver, deliveryOf, noteEvent } from './support/deliveries.js';
import { contract, type Fixture, fixture, type NoteTx } from './support/fixture.js';
import { ScriptedBus } from './support/scripted-bus.js';

let db: Fixture;
beforeAll(async () => {
  db = await fixture();
});
afterAll(() => db.close());

const users = Array.from({ length: 40 }, (_, index) => `user-${index}`);
const turned = (round: number) => [...users.slice(round), ...users.slice(0, round)].reverse();

describe('two transactions that write for the same users', () => {
  it('hazard: deadlock if they take the locks in different orders', async () => {
    const [a, b] = await Promise.all([db.pool.connect(), db.pool.connect()]);
    try {
      await Promise.all([a.query('BEGIN'), b.query('BEGIN')]);
      await a.query('SELECT pg_advisory_xact_lock(1)');
      await b.query('SELECT pg_advisory_xact_lock(2)');
      const crossed = await Promise.allSettled([
        a.query('SELECT pg_advisory_xact_lock(2)'),
        b.query('SELECT pg_advisory_xact_lock(1)'),
      ]);
      expect(crossed.filter((result) => result.status === 'rejected')).toMatchObject([
        { reason: { code: '40P01' } },
      ]);
    } finally {
      await Promise.all([a.query('ROLLBACK'), b.query('ROLLBACK')]);
      a.release();
      b.release();
    }
  });

  it('guard: take the locks of `users` in sorted order, so that none is rerun', async () => {
    const { uow, client } = db.instance();
    const runs = Array.from({ length: 15 }, (_, round) =>
      uow.run((tx) => tx.$queryRawUnsafe('SELECT 1'), { users: turned(round) }),
    );
    await Promise.all(runs);
    expect(client.statements.filter((sql) => sql === 'BEGIN')).toHaveLength(15);
  });

  it('guard: do not deadlock as whole batches of two instances, which are not split', async () => {
    const buses = [new ScriptedBus(), new ScriptedBus()];
    const instances = buses.map((bus) => db.instance({ bus }));
    for (const { start } of instances) {
      await start({
        handlers: [
          react(contract, 'note.written', {
            users: (event) => turned(event.entityversion),
            async handle(tx: NoteTx, event) {
              for (const id of turned(event.entityversion).slice(0, 5)) {
                await tx.$queryRawUnsafe(
                  `INSERT INTO note VALUES ($1, '') ON CONFLICT (id) DO UPDATE SET times = note.times + 1`,
                  id,
                );
              }
            },
          }),
        ],
      });
    }
    const orders = [
      [1, 9, 17, 30],
      [30, 17, 9, 1],
    ];
    const batches = buses.flatMap((bus) =>
      Array.from({ length: 6 }, (_, index) =>
        deliver(
          bus,
          (orders[index % 2] ?? []).map((version) => deliveryOf(noteEvent({ version }))),
        ),
      ),
    );
    const verdicts = (await Promise.all(batches)).flat();
    expect(verdicts).toEqual(Array(48).fill({ kind: 'done' }));
    expect(instances.map(({ stats }) => stats().consumer?.split)).toEqual([0, 0]);
  });
});

describe('a transaction that the database aborts in favour of another one', () => {
  const fail = (code: string) => `DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '${code}'; END $$`;

  it.each(['40P01', '40001'])('is rerun after %s', async (code) => {
    const { uow } = db.instance();
    let attempts = 0;
    const work = uow.run(async (tx) => {
      attempts += 1;
      tx.feed(`again-${code}`, { type: 'note.updated', data: { text: 'once' } });
      if (attempts < 4) await tx.$queryRawUnsafe(fail(code));
    });
    await work;
    expect(attempts).toBe(4);
    expect(await db.sql('SELECT seq FROM messaging.feed WHERE user_id = $1', [`again-${code}`])).toHaveLength(
      1,
    );
  });

  it('fails after three reruns', async () => {
    const { uow } = db.instance();
    let attempts = 0;
    const work = uow.run(async (tx) => {
      attempts += 1;
      await tx.$queryRawUnsafe(fail('40P01'));
    });
    await expect(work).rejects.toMatchObject({ code: '40P01' });
    expect(attempts).toBe(4);
  });

  it('is not rerun after any other error', async () => {
    const { uow } = db.instance();
    let attempts = 0;
    const work = uow.run(async (tx) => {
      attempts += 1;
      await tx.$queryRawUnsafe(fail('23505'));
    });
    await expect(work).rejects.toMatchObject({ code: '23505' });
    expect(attempts).toBe(1);
  });
});
