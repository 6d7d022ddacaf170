import { changeSchema } from '@warren/unit-of-work';
import type { ClientBase } from 'pg';
import type { Logger } from 'pino';
import type { ConnectOptions } from './connect.js';
import { makeBooks, missingFrom, noteApplied, readBooks } from './migration-books.js';
import { withMigrationConnection } from './migration-connection.js';
import { type Migration, readMigrations } from './migrations.js';

export interface MigrateOptions extends ConnectOptions {
  /** The folder with `schema.prisma` and `migrations/`; ends with a slash. */
  prisma: URL;
}

/**
 * Applies the service's migrations that the database doesn't have yet and answers their names. Instances that
 * start at once take turns, up to two minutes. `_prisma_migrations` is kept as `prisma migrate deploy` keeps it.
 *
 * Throws if a migration fails; nothing of that one is left then.
 */
export async function migrateDatabase({ prisma, ...connection }: MigrateOptions): Promise<string[]> {
  const migrations = await readMigrations(new URL('migrations/', prisma));
  return await withMigrationConnection(connection, (client) =>
    applyMigrations(client, migrations, connection.log),
  );
}

/**
 * `migrateDatabase` over a connection that nobody else migrates with. Prisma's own engine runs a migration statement
 * by statement, waits for locks without end, and leaves what it has done by then where one fails; here each is one
 * transaction together with its row in the books.
 */
export async function applyMigrations(
  client: ClientBase,
  migrations: readonly Migration[],
  log?: Logger,
): Promise<string[]> {
  const missing = missingFrom(await readBooks(client), migrations);
  await makeBooks(client);
  for (const migration of missing) {
    const what = `migration ${migration.name}`;
    await changeSchema(client, { what, log }, async () => {
      await client.query(migration.sql).catch((cause: unknown) => {
        throw Object.assign(new Error(`${what} failed`, { cause }), {
          code: (cause as { code?: unknown }).code,
        });
      });
      await noteApplied(client, migration);
    });
  }
  return missing.map(({ name }) => name);
}
