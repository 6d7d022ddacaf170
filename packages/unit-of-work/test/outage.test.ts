import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createMemoryEventBus } from '@warren/event-bus';
import { eventually, type FaultProxy, faultProxy } from '@warren/testing';
import { createUnitOfWork, pgClient, react } from '@warren/unit-of-work';
import pg from 'pg';
import { contract, type Fixture, fixture, type NoteTx, quiet, writeNote } from './support/fixture.js';

let db: Fixture;
let proxy: FaultProxy;
let pool: pg.Pool;
beforeAll(async () => {
  db = await fixture();
  const url = new URL(db.url);
  proxy = await faultProxy({ host: url.hostname, port: Number(url.port || 5432) });
  url.hostname = '127.0.0.1';
  url.port = String(proxy.port);
  pool = new pg.Pool({ connectionString: url.href, connectionTimeoutMillis: 2_000, pipeline: true });
  pool.on('error', () => undefined);
});
afterAll(async () => {
  await pool.end();
  await proxy.close();
  await db.close();
});

describe('an outage of the database while events are handled', () => {
  it('pauses the bus, counts no attempt, and ends without an operator', async () => {
    const bus = createMemoryEventBus({ retryDelays: [60_000] });
    const consumer = createUnitOfWork({
      contract,
      client: pgClient(pool),
      pool,
      bus,
      log: quiet,
    });
    let tries = 0;
    await consumer.start({
      handlers: [
        react(contract, 'note.written', {
          async handle(tx: NoteTx, event) {
            tries += 1;
            if (tries === 1) proxy.refuse();
            await tx.$queryRawUnsafe('INSERT INTO note VALUES ($1, $1)', `${event.subject}-copy`);
          },
        }),
      ],
    });
    const producer = db.instance({ bus });
    await producer.start({ handlers: [] });
    await producer.uow.run((tx) => writeNote(tx, 'away'));
    await eventually(() => expect(tries).toBe(1));
    await expect(consumer.uow.run((tx) => writeNote(tx, 'never'))).rejects.toMatchObject({
      code: 'service-unavailable',
    });
    proxy.resume();

    await eventually(async () =>
      expect(await db.sql(`SELECT FROM note WHERE id = 'away-copy'`)).toHaveLength(1),
    );
    // A counted attempt would have waited a minute.
    await eventually(() =>
      expect(consumer.stats().consumer).toMatchObject({ handled: 1, retried: 0, dead: 0 }),
    );
    await eventually(async () =>
      expect(await db.sql('SELECT FROM messaging.outbox WHERE published_at IS NULL')).toEqual([]),
    );
    await consumer.stop();
    await bus.close();
  });
});
