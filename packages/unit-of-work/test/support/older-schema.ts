import type pg from 'pg';
import { migrations } from '../../src/schema/migrate.js';
import { Schema } from '../../src/schema/schema.js';

/** Leaves the database as a build does whose newest migration is `version`. */
export async function migrateAsOlderBuild(pool: pg.Pool, version: number): Promise<void> {
  const schema = new Schema();
  await pool.query(`CREATE SCHEMA ${schema};
    CREATE TABLE ${schema}.migration (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())`);
  for (const [index, migration] of migrations.slice(0, version).entries()) {
    await pool.query(migration(schema));
    await pool.query(`INSERT INTO ${schema}.migration (version) VALUES ($1)`, [index + 1]);
  }
}
