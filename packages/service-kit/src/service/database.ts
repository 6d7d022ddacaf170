import type { RawClient } from '@warren/unit-of-work';
import { migrateMessaging } from '@warren/unit-of-work';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { KitConfig } from '../config/kit-config.js';
import { migrateDatabase } from '../database/migrate.js';
import { createPool } from '../database/pool.js';
import type { ServiceClient, ServiceDefinition } from '../definition.js';
import type { Closing } from './closing.js';

/** The service's pool and client, on a database that is migrated unless `MIGRATE` is off. */
export async function openDatabase<Db extends RawClient, Client extends ServiceClient<Db>>(
  { name, database }: Pick<ServiceDefinition<never, Db, Client>, 'name' | 'database'>,
  config: KitConfig,
  log: Logger,
  closing: Closing,
): Promise<{ pool: Pool; client: Client }> {
  const url = config.DATABASE_URL;
  const pool = createPool({ url, max: config.DATABASE_POOL, service: name, log });
  closing.add('database pool', () => pool.end());
  if (config.MIGRATE === 'on') await migrate({ url, service: name, prisma: database.prisma, log });
  const client = database.client(pool);
  closing.add('database client', () => client.$disconnect());
  return { pool, client };
}

/** Milliseconds that one step of a migration may take: far longer than any work of a service. */
const longestStepMs = 30 * 60_000;

interface MigrateOptions {
  url: string;
  service: string;
  prisma: URL;
  log: Logger;
}

/** The service's own schema and that of the unit of work. Safe when several processes do it at once. */
export async function migrate({ url, service, prisma, log }: MigrateOptions): Promise<void> {
  const migrations = await migrateDatabase({ url, prisma });
  if (migrations.length > 0) log.info({ migrations }, 'database migrated');
  const pool = createPool({ url, max: 1, service, log, silenceMs: longestStepMs });
  try {
    await migrateMessaging(pool);
  } finally {
    await pool.end();
  }
}
