import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type TestDatabase, testDatabase } from '@warren/testing';
import pg from 'pg';
import { steadyLoad } from './support/load.js';
import { type Instance, startTimeout, World } from './support/service.js';

let database: TestDatabase;
let world: World;
let service: Instance;
beforeAll(async () => {
  database = await testDatabase();
  world = await World.create(database);
  service = await world.start();
}, startTimeout);
afterAll(() => world.close());

it(
  'no request fails when the type of a column changes under load',
  async () => {
    const [payer, recipient] = await world.people();
    const { body } = await service.pay(payer, recipient);
    const load = steadyLoad([
      ...Array.from({ length: 4 }, () => () => service.http(payer, 'GET', '/payments')),
      () => service.http(recipient, 'GET', `/payments/${body.id}`),
      () => service.http(recipient, 'GET', '/balance'),
      () => service.pay(payer, recipient),
      async () => {
        await service.client.payment.findMany({ where: { payerId: payer }, take: 2 });
        await service.client.$queryRaw`SELECT * FROM payments WHERE id = ${body.id}::uuid`;
        return { status: 200 };
      },
    ]);
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      for (const type of ['varchar(8)', 'text', 'varchar(9)']) {
        await load.more(60);
        await client.query(`ALTER TABLE payments ALTER COLUMN currency TYPE ${type}`);
      }
      await load.more(60);
    } finally {
      await client.end();
    }
    expect(await load.end()).toEqual([]);
  },
  startTimeout,
);
