import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { PrismaPg } from '@prisma/adapter-pg';
import type { MigrationList } from '@prisma/schema-engine-wasm/schema_engine_bg';
import pg from 'pg';
import { readMigrations } from './migrations.js';
import { openSchemaEngine } from './schema-engine.js';

export interface DiffOptions {
  /** A PostgreSQL server on which a temporary database may be created. */
  server: string;
  /** The folder with `schema.prisma` and `migrations/`; ends with a slash. */
  prisma: URL;
}

/** The SQL that the migrations lack compared to `schema.prisma`; empty if they lack nothing. */
export async function diffMigrations({ server, prisma }: DiffOptions): Promise<string> {
  const content = await readFile(new URL('schema.prisma', prisma), 'utf8');
  const migrations = await migrationList(new URL('migrations/', prisma));
  return await withShadowDatabase(server, async (shadow) => {
    const engine = await openSchemaEngine(new ShadowedPg(server, shadow), content);
    try {
      const { stdout } = await engine.diff({
        from: { tag: 'migrations', ...migrations },
        to: { tag: 'schemaDatamodel', files: [{ path: 'schema.prisma', content }] },
        script: true,
        exitCode: null,
        filters: noFilters,
      });
      return stdout === null || stdout.includes('This is an empty migration') ? '' : stdout;
    } finally {
      engine.free();
    }
  });
}

const noFilters = { externalTables: [], externalEnums: [] };

/** The migrations in the form that the engine takes. */
async function migrationList(folder: URL): Promise<MigrationList> {
  return {
    baseDir: fileURLToPath(folder),
    lockfile: {
      path: 'migration_lock.toml',
      content: await readFile(new URL('migration_lock.toml', folder), 'utf8'),
    },
    shadowDbInitScript: '',
    migrationDirectories: (await readMigrations(folder)).map(({ name, sql }) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: sql } },
    })),
  };
}

/**
 * Prisma's adapter would drop the shadow database while its own pool is still connected to it, which fails. It also can't
 * read the `"char"` columns of the catalogue.
 */
class ShadowedPg extends PrismaPg {
  readonly #shadow: string;

  constructor(server: string, shadow: string) {
    super({ connectionString: server });
    this.#shadow = shadow;
  }

  override connectToShadowDb() {
    const options = { disposeExternalPool: true };
    return new PrismaPg(new CatalogPool({ connectionString: this.#shadow }), options).connect();
  }
}

/** Prisma's engine panics on the list of constraints that it can't describe, such as CHECK constraints. */
const undescribed = 'constraint_type';

/** Type ids of `"char"` and `text` in PostgreSQL's catalogue. */
const charType = 18;
const textType = 25;

class CatalogPool extends pg.Pool {
  override query = (async (query: pg.QueryConfig) => {
    const result = await super.query(query);
    for (const field of result.fields) if (field.dataTypeID === charType) field.dataTypeID = textType;
    if (result.fields.some((field) => field.name === undescribed)) result.rows = [];
    return result;
  }) as pg.Pool['query'];
}

async function withShadowDatabase<T>(server: string, work: (url: string) => Promise<T>): Promise<T> {
  const name = `warren_shadow_${randomUUID().replaceAll('-', '')}`;
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${name}`);
    const url = new URL(server);
    url.pathname = `/${name}`;
    return await work(url.href).finally(() => client.query(`DROP DATABASE ${name} WITH (FORCE)`));
  } finally {
    await client.end();
  }
}
