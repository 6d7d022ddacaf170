import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, gate } from '@warren/testing';
import { inTransaction, pgClient } from '@warren/unit-of-work';
import pg, { type PoolClient } from 'pg';
import { type Fixture, fixture } from './support/fixture.js';

let db: Fixture;
beforeAll(async () => {
  db = await fixture();
});
afterAll(() => db.close());
beforeEach(() => db.sql('TRUNCATE note'));

const insert = (id: string) => ({ text: 'INSERT INTO note VALUES ($1, $1)', values: [id] });
const idle = () => expect(db.pool.idleCount).toBe(db.pool.totalCount);

/** Connections that note what was sent and answered, in order. */
function noting(): { pool: { connect(): Promise<PoolClient> }; log: string[] } {
  const log: string[] = [];
  async function connect(): Promise<PoolClient> {
    const client = await db.pool.connect();
    const query = client.query.bind(client) as (statement: unknown) => Promise<unknown>;
    const release = client.release.bind(client);
    client.query = ((statement: string | { text: string }) => {
      const [word] = (typeof statement === 'string' ? statement : statement.text).split(' ');
      log.push(`${word} sent`);
      const answered = () => void log.push(`${word} answered`);
      const answer = query(statement);
      answer.then(answered, answered);
      return answer;
    }) as typeof client.query;
    client.release = (error) => {
      client.query = query as typeof client.query;
      release(error);
    };
    return client;
  }
  return { pool: { connect } as never, log };
}

describe('a transaction on node-postgres', () => {
  it('sends BEGIN with the first statement and COMMIT with the last one', async () => {
    const { pool, log } = noting();
    await inTransaction(pool, {}, async (transaction) => {
      await transaction.query(insert('first'));
      await transaction.commitWith(insert('last'));
    });
    expect(log).toEqual([
      'BEGIN sent',
      'INSERT sent',
      'BEGIN answered',
      'INSERT answered',
      'INSERT sent',
      'COMMIT sent',
      'INSERT answered',
      'COMMIT answered',
    ]);
    expect(await db.sql('SELECT FROM note')).toHaveLength(2);
    idle();
  });

  it('sends nothing if the work has no statement', async () => {
    const { pool, log } = noting();
    expect(await inTransaction(pool, {}, async () => 7)).toBe(7);
    await expect(inTransaction(pool, {}, () => Promise.reject(new Error('refused')))).rejects.toThrow(
      'refused',
    );
    expect(log).toEqual([]);
    idle();
  });

  it('commits nothing if the statement that travels with COMMIT fails', async () => {
    const failing = inTransaction(db.pool, {}, async (transaction) => {
      await transaction.query(insert('first'));
      await transaction.commitWith({ text: "SELECT messaging.ensure(false, 'too late')" });
    });
    await expect(failing).rejects.toMatchObject({ code: 'WRACE', message: 'too late' });
    expect(await db.sql('SELECT FROM note')).toEqual([]);
    idle();
  });

  it('rejects if a statement failed that the work did not wait for', async () => {
    const forgetful = inTransaction(db.pool, {}, async (transaction) => {
      await transaction.query(insert('first'));
      void transaction.query({ text: 'SELECT 1 / 0' });
    });
    await expect(forgetful).rejects.toThrow('rolled back instead of committing');
    expect(await db.sql('SELECT FROM note')).toEqual([]);
    idle();
  });

  it('rolls back and frees its connection after the time-out, although the work goes on', async () => {
    const [started, held] = [gate(), gate()];
    const slow = inTransaction(db.pool, { timeout: 1_000 }, async (transaction) => {
      await transaction.query(insert('first'));
      started.open();
      await held.opened;
      await transaction.query(insert('second'));
    });
    const refused = expect(slow).rejects.toMatchObject({ code: 'P2028' });
    await started.opened;
    await eventually(idle);
    held.open();
    await refused;
    expect(await db.sql('SELECT FROM note')).toEqual([]);
  });

  it('runs again if a table has changed since a statement was planned', async () => {
    const client = await db.pool.connect();
    const pool = { connect: async () => Object.assign(client, { release: () => undefined }) };
    const release = client.release.bind(client);
    const look = (generation: number) => ({ name: `look_${generation}`, text: 'SELECT * FROM note' });
    await client.query(look(0));
    await db.sql('ALTER TABLE note ADD COLUMN more int');
    let runs = 0;
    await inTransaction(pool as never, {}, (transaction) => transaction.query(look(runs++)));
    release();
    expect(runs).toBe(2);
    await db.sql('ALTER TABLE note DROP COLUMN more');
  });
});

describe('the statement names of two clients', () => {
  it('do not clash on a connection that both use', async () => {
    const single = new pg.Pool({ connectionString: db.url, max: 1 });
    try {
      for (const column of ['one', 'two']) {
        const client = pgClient(single, { named: true });
        const rows = await client.$transaction((tx) => tx.$queryRawUnsafe(`SELECT 1 AS ${column}`));
        expect(rows).toEqual([{ [column]: 1 }]);
      }
    } finally {
      await single.end();
    }
  });
});
