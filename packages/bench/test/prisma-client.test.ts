import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { PrismaPg } from '@prisma/adapter-pg';
import { type PrismaOptions, prismaClient } from '@warren/service-kit';
import { eventually, gate, type TestDatabase, testDatabase } from '@warren/testing';
import pg from 'pg';
import { Prisma, PrismaClient } from '../src/generated/prisma/client.js';

/** Here, since this package has a generated client whose tables belong to nobody. */
describe("the kit's Prisma client", () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let plain: PrismaClient;
  let kit: PrismaClient;

  beforeAll(async () => {
    database = await testDatabase();
    pool = new pg.Pool({ connectionString: database.url, max: 3, pipeline: true });
    pool.on('error', () => undefined);
    const migration = new URL('../prisma/migrations/20260101000000_init/migration.sql', import.meta.url);
    await pool.query(await readFile(migration, 'utf8'));
    plain = new PrismaClient({ adapter: new PrismaPg(pool) });
    kit = prismaClient(pool, (options) => new PrismaClient(options));
  });
  afterAll(async () => {
    await plain.$disconnect();
    await kit.$disconnect();
    await pool.end();
    await database.close();
  });
  afterEach(async () => {
    expect(pool.idleCount).toBe(pool.totalCount);
    await pool.query('TRUNCATE payment');
  });

  const payment = (id = randomUUID()) => ({
    id,
    payerId: randomUUID(),
    recipientId: randomUUID(),
    amount: 5n,
    currency: 'EUR',
    status: 'succeeded',
    version: 1,
    createdAt: new Date(),
  });
  const count = () => plain.payment.count();

  const columns: [string, string[]][] = [
    ['whole numbers', ["'-7'::int2", '8::int4', '9007199254740993::int8', '10::oid']],
    [
      'other numbers',
      ['1.5::float4', '2.25::float8', "'NaN'::float8", '12345678901234567890.123::numeric', "'3.50'::money"],
    ],
    ['text', ['true', "'a'::text", "'b'::varchar", "'c'::char(3)", "'d'::name", "B'101'", "B'1'::varbit"]],
    ['dates and times', ["'2026-01-02'::date", "'03:04:05.678'::time", "'03:04:05+02'::timetz"]],
    ['moments', ["'2026-01-02 03:04:05.678'::timestamp", "'2026-01-02 03:04:05.678+02'::timestamptz"]],
    ['JSON', [`'{"a":[1,null]}'::json`, `'["b"]'::jsonb`, "'null'::jsonb", "'1'::json"]],
    [
      'bytes and the rest',
      [
        "'\\x00ff10'::bytea",
        "'c56a4180-65aa-42ec-a945-5fd21dec0538'::uuid",
        "'10.0.0.1'::inet",
        "'<a/>'::xml",
      ],
    ],
    [
      'lists of numbers',
      ['ARRAY[1,NULL]::int4[]', 'ARRAY[2]::int8[]', 'ARRAY[1.5]::numeric[]', 'ARRAY[0.5]::float8[]'],
    ],
    [
      'lists',
      ["ARRAY['x',NULL]::text[]", 'ARRAY[true]', `ARRAY['{"a":1}']::jsonb[]`, "ARRAY['\\x01']::bytea[]"],
    ],
    [
      'lists of moments',
      [
        "ARRAY['2026-01-02']::date[]",
        "ARRAY['2026-01-02T03:04:05Z']::timestamptz[]",
        "ARRAY['03:04']::time[]",
      ],
    ],
    ['empty lists', ["'{}'::int8[]", "'{}'::text[]", "'{}'::jsonb[]"]],
    [
      'nulls',
      ['NULL::int8', 'NULL::numeric', 'NULL::jsonb', 'NULL::timestamptz', 'NULL::bytea', 'NULL::int8[]'],
    ],
  ];

  it.each(columns)('reads %s as Prisma does', async (_, list) => {
    const sql = `SELECT ${list.map((column, index) => `${column} AS c${index}`).join(', ')}`;
    const ask = (client: PrismaClient) => client.$transaction((tx) => tx.$queryRawUnsafe(sql));
    expect(await ask(kit)).toEqual(await ask(plain));
  });

  const values: [string, unknown][] = [
    ['text', 'x'],
    ['int4', 3],
    ['numeric', 2.5],
    ['int8', 9007199254740993n],
    ['bool', true],
    ['text', null],
    ['timestamptz', new Date('2026-01-02T03:04:05.678Z')],
    ['date', new Date('2026-01-02T00:00:00Z')],
    ['text[]', ['a', 'b"c', '']],
    ['int8[]', [1n, 2n]],
    ['timestamptz[]', [new Date('2026-01-02T03:04:05Z')]],
    ['text[]', []],
    ['numeric', new Prisma.Decimal('1.10')],
    ['bytea', Buffer.from([0, 255])],
    ['jsonb', { a: [1] }],
  ];

  it.each(values)('takes a value for %s as Prisma does: %p', async (type, value) => {
    const sql = `SELECT $1::${type} AS value`;
    const unsafe = (client: PrismaClient) => client.$transaction((tx) => tx.$queryRawUnsafe(sql, value));
    const template = (client: PrismaClient) =>
      client.$transaction((tx) => tx.$queryRaw`SELECT ${value}::${Prisma.raw(type)} AS value`);
    expect(await unsafe(kit)).toEqual(await unsafe(plain));
    expect(await template(kit)).toEqual(await unsafe(plain));
  });

  it('commits raw statements and model operations together, each seeing the other', async () => {
    const seen = await kit.$transaction(async (tx) => {
      const { id } = await tx.payment.create({ data: payment(), select: { id: true } });
      const touched = await tx.$executeRaw`UPDATE payment SET status = 'refunded' WHERE id = ${id}::uuid`;
      const found = await tx.payment.findUniqueOrThrow({ where: { id } });
      return { touched, found };
    });
    expect(seen).toMatchObject({ touched: 1, found: { status: 'refunded', amount: 5n } });
    expect(await count()).toBe(1);
  });

  it('rolls both back together', async () => {
    const failed = kit.$transaction(async (tx) => {
      const { id } = await tx.payment.create({ data: payment() });
      await tx.$executeRaw`UPDATE payment SET status = 'refunded' WHERE id = ${id}::uuid`;
      throw new Error('not this one');
    });
    await expect(failed).rejects.toThrow('not this one');
    expect(await count()).toBe(0);
  });

  it('rejects with the error of Prisma for a model and of the server for a raw statement, and commits nothing', async () => {
    const id = randomUUID();
    const twice = kit.$transaction(async (tx) => {
      await tx.payment.create({ data: payment(id) });
      await tx.payment.create({ data: payment(id) });
    });
    await expect(twice).rejects.toMatchObject({ code: 'P2002' });
    const raw = kit.$transaction(async (tx) => {
      await tx.payment.create({ data: payment() });
      await tx.$executeRaw`SELECT 1 / 0`;
    });
    await expect(raw).rejects.toMatchObject({ code: '22012' });
    expect(await count()).toBe(0);
  });

  it.each<[string, (tx: Prisma.TransactionClient) => Promise<unknown>]>([
    ['a raw statement', (tx) => tx.$queryRaw`SELECT 1 / 0`],
    ['a model operation', (tx) => tx.payment.create({ data: { ...payment(), id: 'no UUID' } })],
  ])('rejects where %s had failed and the work went on as if not', async (_what, failing) => {
    const swallowing = kit.$transaction(async (tx) => {
      await tx.payment.create({ data: payment() });
      await failing(tx).catch(() => undefined);
    });
    await expect(swallowing).rejects.toThrow('rolled back instead of committing');
    expect(await count()).toBe(0);
  });

  it('keeps transactions that run at once apart', async () => {
    const all = Array.from({ length: 30 }, async (_, index) => {
      const work = kit.$transaction(async (tx) => {
        const { id } = await tx.payment.create({ data: payment() });
        const [row] = await tx.$queryRaw<
          { mine: bigint }[]
        >`SELECT count(*) AS mine FROM payment WHERE id = ${id}::uuid`;
        expect(row?.mine).toBe(1n);
        if (index % 3 === 0) throw new Error('left out');
      });
      await work.catch((error: Error) => expect(error.message).toBe('left out'));
    });
    await Promise.all(all);
    expect(await count()).toBe(20);
  });

  it('takes nothing after its end', async () => {
    let kept: Prisma.TransactionClient | undefined;
    await kit.$transaction(async (tx) => {
      kept = tx;
      await tx.payment.create({ data: payment() });
    });
    if (!kept) throw new Error('the work did not run');
    await expect(kept.$queryRaw`SELECT 1`).rejects.toThrow('committed already');
    await expect(kept.$executeRaw`SELECT 1`).rejects.toThrow('committed already');
    await expect(kept.payment.create({ data: payment() })).rejects.toThrow();
    expect(await count()).toBe(1);
  });

  it('refuses a model operation that was left behind while the next transaction runs', async () => {
    const left: (() => Promise<unknown>)[] = [];
    await kit.$transaction(async (tx) => {
      const { payment: model } = tx;
      await model.count();
      left.push(() => model.create({ data: payment() }));
    });
    await kit.$transaction(async (tx) => {
      await tx.payment.count();
      for (const operation of left) await expect(operation()).rejects.toThrow('has ended');
      await tx.payment.create({ data: payment() });
    });
    expect(await count()).toBe(1);
  });

  it('ends by itself when it takes too long, and frees its connection at once', async () => {
    const started = gate();
    const held = gate();
    const late = kit.$transaction(
      async (tx) => {
        await tx.payment.create({ data: payment() });
        started.open();
        await held.opened;
        await tx.$executeRaw`SELECT 1`;
      },
      { timeout: 3_000 },
    );
    const refused = expect(late).rejects.toThrow('took longer than 3000 ms');
    await started.opened;
    expect(pool.idleCount).toBeLessThan(pool.totalCount);
    await eventually(() => expect(pool.idleCount).toBe(pool.totalCount));
    expect(await count()).toBe(0);
    held.open();
    await refused;
  });

  it('uses the isolation level that the caller asks for', async () => {
    const level = await kit.$transaction(
      (tx) => tx.$queryRaw<{ level: string }[]>`SELECT current_setting('transaction_isolation') AS level`,
      { isolationLevel: 'RepeatableRead' },
    );
    expect(level).toEqual([{ level: 'repeatable read' }]);
  });

  it('refuses lists of operations, which Prisma would run in a transaction of its own', async () => {
    const list = kit.$transaction([kit.payment.create({ data: payment() }), kit.$executeRaw`SELECT 1`]);
    await expect(list).rejects.toThrow('Prisma runs no transactions of its own here');
    expect(await count()).toBe(0);
  });

  it('refuses an operation outside of a transaction that needs one', async () => {
    const written = kit.payment.update({ where: { id: randomUUID() }, data: { status: 'refunded' } });
    await expect(written).rejects.toMatchObject({ code: 'P2025' });
    const { adapter } = optionsOf(pool);
    const connected = await adapter.connect();
    await expect(connected.startTransaction()).rejects.toThrow('Prisma runs no transactions of its own here');
  });

  it('lets a nested transaction wait for another one longer than the 2 s that Prisma allows', async () => {
    await kit.$transaction(async (tx) => {
      const slow = tx.$transaction(async (nested) => {
        await nested.payment.create({ data: payment() });
        await nested.$queryRaw`SELECT 1 FROM pg_sleep(2.5)`;
      });
      const waiting = tx.$transaction((nested) => nested.payment.create({ data: payment() }));
      await Promise.all([slow, waiting]);
    });
    expect(await count()).toBe(2);
  });

  it('shares a connection with another client that uses other statements', async () => {
    const single = new pg.Pool({ connectionString: database.url, max: 1 });
    const clients = [1, 2].map(() => prismaClient(single, (options) => new PrismaClient(options)));
    for (const [index, client] of clients.entries()) {
      const rows = await client.$transaction((tx) => tx.$queryRawUnsafe(`SELECT ${index} AS index`));
      expect(rows).toEqual([{ index }]);
    }
    for (const client of clients) await client.$disconnect();
    await single.end();
  });

  it('lets Prisma run a savepoint inside', async () => {
    await kit.$transaction(async (tx) => {
      await tx.payment.create({ data: payment() });
      const inner = tx.$transaction(async (nested) => {
        await nested.payment.create({ data: payment() });
        throw new Error('only the inner one');
      });
      await expect(inner).rejects.toThrow('only the inner one');
    });
    expect(await count()).toBe(1);
  });

  it('keeps what one nested transaction wrote while another one fails', async () => {
    const kept = payment();
    const failed = payment();
    await kit.$transaction(async (tx) => {
      const results = await Promise.allSettled([
        tx.$transaction(async (nested) => {
          await nested.payment.create({ data: failed });
          await nested.payment.findMany({ where: { id: failed.id } });
          throw new Error('nested');
        }),
        tx.$transaction((nested) => nested.payment.create({ data: kept })),
      ]);
      expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    });
    const found = await kit.payment.findMany({ where: { id: { in: [kept.id, failed.id] } } });
    expect(found.map(({ id }) => id)).toEqual([kept.id]);
  });

  it('fails, and lends nothing, where no connection can be had', async () => {
    const away = new pg.Pool({ host: '127.0.0.1', port: 1, connectionTimeoutMillis: 1_000 });
    const client = prismaClient(away, (options) => new PrismaClient(options));
    await expect(client.$transaction((tx) => tx.payment.count())).rejects.toThrow();
    await client.$disconnect();
    await away.end();
  });
});

/** The options with which the kit opens the client for queries outside of its transactions. */
function optionsOf(pool: pg.Pool): PrismaOptions {
  const given: PrismaOptions[] = [];
  prismaClient(pool, (options) => {
    given.push(options);
    return new PrismaClient(options);
  });
  const [first] = given;
  if (!first) throw new Error('the kit opened no client');
  return first;
}
