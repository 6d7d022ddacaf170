import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  named,
  openServerFolder,
  type PgBouncerProcess,
  type PgBouncerVersion,
  type ServerFolder,
  startPgBouncer,
  type TestDatabaseOfRoles,
  testDatabaseOfRoles,
  unavailable,
} from '@warren/testing';
import pg from 'pg';
import { steadyLoad } from './support/load.js';
import { startTimeout, World } from './support/service.js';

const reason = unavailable('pgbouncer');
const kept = ['max_prepared_statements = 100'];
const ignored = ['ignore_startup_parameters = statement_timeout,idle_in_transaction_session_timeout'];

const poolers: [what: string, version: PgBouncerVersion, settings: string[], names: RegExp | undefined][] = [
  ['1.24 with prepared statements', '1.24', kept, /^PGBOUNCER_/],
  ['1.24 without prepared statements', '1.24', ['max_prepared_statements = 0'], undefined],
  ['1.18', '1.18', [], undefined],
  ['1.18 with ignored startup parameters', '1.18', ignored, undefined],
];

const each = reason ? describe.skip.each(poolers) : describe.each(poolers);

each(named('a service behind PgBouncer %s in transaction mode', reason), (_, version, settings, names) => {
  let database: TestDatabaseOfRoles;
  let serverFolder: ServerFolder;
  let bouncer: PgBouncerProcess;
  let world: World;
  beforeAll(async () => {
    database = await testDatabaseOfRoles();
    serverFolder = await openServerFolder();
    const urls = [database.workerUrl, database.ownerUrl];
    bouncer = await startPgBouncer(serverFolder, { version, urls, settings });
    world = await World.create(database);
  }, 300_000);
  afterAll(async () => {
    await bouncer?.stop();
    await world?.close();
    await serverFolder?.close();
  });

  const ask = async <Row extends pg.QueryResultRow>(sql: string, url = database.url): Promise<Row[]> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  };

  it('refuses to migrate through the pooler, with an error that says why', async () => {
    const env = { DATABASE_URL: bouncer.through(database.ownerUrl) };
    await expect(world.start({ env })).rejects.toThrow(
      'migrations need a connection of their own, and a pooler such as PgBouncer answers here',
    );
  });

  it(
    'asks for limits on the database role, and works with them even while tables change',
    async () => {
      const env = {
        DATABASE_URL: bouncer.through(database.workerUrl),
        MIGRATE_DATABASE_URL: database.ownerUrl,
      };
      const asksFor = /the role must limit the time that a statement may take: (ALTER ROLE .*)$/;
      const refusal = await world.start({ env }).then(
        () => '',
        (error: Error) => error.message,
      );
      expect(refusal).toMatch(asksFor);
      await ask(asksFor.exec(refusal)?.[1] ?? '');
      // Connections that PgBouncer opened earlier still have the old settings.
      await ask(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      );

      const service = await world.start({ env });
      const [payer, recipient] = await world.people();
      const load = steadyLoad([
        ...Array.from({ length: 6 }, () => () => service.http(payer, 'GET', '/payments')),
        ...Array.from({ length: 4 }, () => () => service.pay(payer, recipient)),
        () => service.http(recipient, 'GET', '/balance'),
      ]);
      await load.more(60);
      await ask('ALTER TABLE payments ALTER COLUMN currency TYPE varchar(8)', database.ownerUrl);
      await load.more(60);
      const found = await ask<{ name: string }>('SELECT name FROM pg_prepared_statements', env.DATABASE_URL);
      expect(await load.end()).toEqual([]);
      if (names) expect(found).toContainEqual({ name: expect.stringMatching(names) });
      else expect(found).not.toContainEqual({ name: expect.stringMatching(/^(messaging|warren_\d)/) });
    },
    startTimeout,
  );
});
