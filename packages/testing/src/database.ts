import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { serverFor } from './addresses.js';

export interface TestDatabase {
  /** `postgres://…/<a name of its own>` */
  url: string;
  /** Drops the database and ends its connections. */
  close(): Promise<void>;
}

/** Creates an empty database on the server for tests. */
export async function testDatabase(): Promise<TestDatabase> {
  const server = await serverFor('database');
  const name = `warren_test_${process.pid}_${randomBytes(4).toString('hex')}`;
  // CREATE DATABASE fails while somebody is connected to the template. Nobody can connect to template0.
  await run(server, `CREATE DATABASE ${name} TEMPLATE template0`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, close: () => run(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

export interface TestDatabaseOfRoles extends TestDatabase {
  /** Connects as the role that owns the database. */
  ownerUrl: string;
  /** Connects as a role that has only the right to connect. */
  workerUrl: string;
}

/** Creates an empty database as deployments do: one role owns it, and services connect as another. */
export async function testDatabaseOfRoles(): Promise<TestDatabaseOfRoles> {
  const database = await testDatabase();
  const server = await serverFor('database');
  const name = new URL(database.url).pathname.slice(1);
  const [owner, worker] = [`${name}_owner`, `${name}_worker`];
  const password = randomBytes(12).toString('hex');
  for (const role of [owner, worker]) await run(server, `CREATE ROLE ${role} LOGIN PASSWORD '${password}'`);
  await run(server, `ALTER DATABASE ${name} OWNER TO ${owner}`);
  await run(server, `REVOKE ALL ON DATABASE ${name} FROM PUBLIC`);
  await run(server, `GRANT CONNECT ON DATABASE ${name} TO ${worker}`);
  const urlOf = (role: string) => Object.assign(new URL(database.url), { username: role, password }).href;
  return {
    url: database.url,
    ownerUrl: urlOf(owner),
    workerUrl: urlOf(worker),
    async close() {
      await database.close();
      await run(server, `DROP ROLE ${owner}, ${worker}`);
    },
  };
}

async function run(server: URL, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: server.href, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
