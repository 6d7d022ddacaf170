import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changeSchema, type RawClient, react } from '@warren/unit-of-work';
import type { PoolClient } from 'pg';
import { runStep } from '../src/retention/steps.js';
import { deliveryOf, noteEvent } from './support/deliveries.js';
import { contract, type Fixture, fixture } from './support/fixture.js';
import { ScriptedBus } from './support/scripted-bus.js';

let db: Fixture;
beforeAll(async () => {
  db = await fixture();
});
afterAll(() => db.close());

const write = `INSERT INTO note VALUES ('swallowed', '')`;
const fail = 'SELECT 1 / 0';

/** Writes, fails, and tells nobody. */
async function swallow(tx: RawClient): Promise<void> {
  await tx.$queryRawUnsafe(write);
  await tx.$queryRawUnsafe(fail).catch(() => undefined);
}

describe('a transaction that swallowed the failure of a statement', () => {
  it('hazard: is rolled back by PostgreSQL without an error, only with another command tag', async () => {
    const client = await db.pool.connect();
    await client.query('BEGIN');
    await client.query(fail).catch(() => undefined);
    expect((await client.query('COMMIT')).command).toBe('ROLLBACK');
    client.release();
  });

  const places: [string, () => Promise<unknown>][] = [
    ['a run', () => db.instance().uow.run(swallow)],
    [
      'an operation with a key',
      () =>
        db.instance().uow.once({ userId: 'ann', operation: 'o', key: 'k', input: null }, async (tx) => {
          await swallow(tx);
          return { record: null, result: null };
        }),
    ],
    [
      'a step of retention',
      () =>
        withClient((client) =>
          runStep(client, async () => {
            await client.query(write);
            await client.query(fail).catch(() => undefined);
          }),
        ),
    ],
    [
      'a change of the schema',
      () =>
        withClient((client) =>
          changeSchema(client, { what: 'a change' }, async () => {
            await client.query(write);
            await client.query(fail).catch(() => undefined);
          }),
        ),
    ],
  ];
  it.each(places)('guard: fails in %s', async (_what, run) => {
    await expect(run()).rejects.toThrow(/rolled back|transaction is aborted/);
    expect(await db.sql('SELECT FROM note')).toEqual([]);
  });

  it('guard: does not mark its event as handled', async () => {
    const bus = new ScriptedBus();
    await db.instance({ bus }).start({
      handlers: [react(contract, 'note.written', { handle: swallow })],
    });
    const event = noteEvent();
    expect(await bus.subscription?.handle([deliveryOf(event)])).toMatchObject([{ kind: 'retry' }]);
    expect(await db.sql('SELECT FROM messaging.inbox')).toEqual([]);
  });
});

async function withClient<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await db.pool.connect();
  try {
    return await work(client);
  } finally {
    client.release();
  }
}
