import { migrateDatabase } from '@warren/service-kit';
import type { DatabaseTemplate } from '@warren/testing';
import { migrateMessaging } from '@warren/unit-of-work';
import pg from 'pg';

/** The tables of a service and of the kit, as the service's first start makes them. `prisma`: the folder of its schema. */
export function migrated(service: string, prisma: URL): DatabaseTemplate {
  return {
    name: service,
    async fill(url) {
      const pool = new pg.Pool({ connectionString: url, max: 1, pipeline: true });
      try {
        await migrateMessaging(pool);
      } finally {
        await pool.end();
      }
      await migrateDatabase({ url, prisma });
    },
  };
}
