import { testDatabase } from '@warren/testing';
import { migrateMessaging } from '@warren/unit-of-work';
import pg from 'pg';

/** A service's database, with the kit's tables in it. */
export interface ServiceDatabase {
  url: string;
  pool: pg.Pool;
  close(): Promise<void>;
}

export async function serviceDatabase(): Promise<ServiceDatabase> {
  const database = await testDatabase();
  const pool = new pg.Pool({ connectionString: database.url, max: 2 });
  // Tests drop the database by force; an idle connection that dies must not end the process.
  pool.on('error', () => undefined);
  await migrateMessaging(pool);
  return {
    url: database.url,
    pool,
    async close() {
      await pool.end();
      await database.close();
    },
  };
}
