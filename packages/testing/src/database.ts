import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { serverFor } from './addresses.js';

export interface TestDatabase {
  /** `postgres://…/<a name of its own>` */
  url: string;
  /** Drops the database together with whatever is still connected to it. */
  close(): Promise<void>;
}

/** A new, empty database on the server for tests. */
export async function testDatabase(): Promise<TestDatabase> {
  const server = await serverFor('database');
  const name = `warren_test_${process.pid}_${randomBytes(4).toString('hex')}`;
  // template0, because nobody can be connected to it: a busy template makes CREATE DATABASE fail.
  await run(server, `CREATE DATABASE ${name} TEMPLATE template0`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, close: () => run(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
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
