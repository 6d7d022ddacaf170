import { randomBytes } from 'node:crypto';
import { serverFor } from './addresses.js';
import { onServer } from './on-server.js';
import { type DatabaseTemplate, templateOf } from './template.js';

export interface TestDatabase {
  /** `postgres://…/<a name of its own>` */
  url: string;
  /** Drops the database and ends its connections. */
  close(): Promise<void>;
}

/** Creates a database on the server for tests: an empty one, or one with what the template holds. */
export async function testDatabase(template?: DatabaseTemplate): Promise<TestDatabase> {
  const server = await serverFor('database');
  const name = `warren_test_${process.pid}_${randomBytes(4).toString('hex')}`;
  const source = template && (await templateOf(server, template));
  // CREATE DATABASE fails while somebody is connected to the template. Nobody can connect to template0.
  await run(server, `CREATE DATABASE ${name} TEMPLATE ${source ?? 'template0'}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  if (template && !source) await template.fill(url.href);
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
  await onServer(server, (client) => client.query(statement));
}
