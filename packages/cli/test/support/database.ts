import { testDatabase } from '@warren/testing';
import { migrateMessaging } from '@warren/unit-of-work';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';

/** A service's database with the messaging tables. */
export interface ServiceDatabase {
  url: string;
  pool: pg.Pool;
  close(): Promise<void>;
}

export async function serviceDatabase(): Promise<ServiceDatabase> {
  const database = await testDatabase();
  const pool = new pg.Pool({ connectionString: database.url, max: 2 });
  // Closing drops the database with its connections; without a listener an idle one would end the process.
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

/** An event id whose time is `daysOld` days ago. */
export function idOf(daysOld = 0): string {
  return uuidv7({ msecs: Date.now() - daysOld * 86_400_000 });
}
