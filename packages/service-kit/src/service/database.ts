import type { RawClient } from '@warren/unit-of-work';
import { claimDatabase, migrateMessagingOver } from '@warren/unit-of-work';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { KitConfig } from '../config/kit-config.js';
import { grantWork, roleOf } from '../database/grants.js';
import { HealthConnection } from '../database/health-connection.js';
import { meetDatabase } from '../database/meet.js';
import { applyMigrations } from '../database/migrate.js';
import { withMigrationConnection } from '../database/migration-connection.js';
import { readMigrations } from '../database/migrations.js';
import { demandMigratable } from '../database/own-database.js';
import { createPool } from '../database/pool.js';
import type { ServiceClient, ServiceDefinition } from '../definition.js';
import type { Closing } from './closing.js';

/** Connections of `DATABASE_POOL` that the health check has for itself. */
const healthConnections = 1;

/**
 * The service's pool and client, and the connection of its health check, on a database of its own that is migrated unless
 * `MIGRATE` is off.
 */
export async function openDatabase<Db extends RawClient, Client extends ServiceClient<Db>>(
  { contract, database }: Pick<ServiceDefinition<never, Db, Client>, 'contract' | 'database'>,
  config: KitConfig,
  log: Logger,
  closing: Closing,
): Promise<{ pool: Pool; health: HealthConnection; client: Client }> {
  const { service } = contract;
  if (config.MIGRATE === 'on') await migrate({ config, service, prisma: database.prisma, log });
  const url = config.DATABASE_URL;
  const server = await meetDatabase({
    url,
    service,
    messaging: config.MESSAGING_SCHEMA,
    log,
    waitMs: mostWaitMs,
  });
  const health = new HealthConnection({ url, service });
  closing.add('health connection', () => health.close());
  const pool = createPool({ url, max: config.DATABASE_POOL - healthConnections, service, log, server });
  closing.add('database pool', () => pool.end());
  const client = database.client(pool);
  closing.add('database client', () => client.$disconnect());
  return { pool, health, client };
}

/** Milliseconds to wait for a database that starts together with whatever waits for it. */
export const mostWaitMs = 60_000;

interface MigrateOptions {
  config: Pick<KitConfig, 'DATABASE_URL' | 'MIGRATE_DATABASE_URL' | 'MESSAGING_SCHEMA'>;
  service: string;
  prisma: URL;
  log: Logger;
  /** Milliseconds to wait for a database that isn't there yet. Default 0. */
  waitMs?: number;
}

/**
 * The service's own schema and that of the unit of work, and the rights of the role that the service runs as, where
 * another one owns them. Safe when several processes do it at once.
 */
export async function migrate({ config, service, prisma, log, waitMs }: MigrateOptions): Promise<void> {
  const messaging = config.MESSAGING_SCHEMA;
  const url = config.MIGRATE_DATABASE_URL ?? config.DATABASE_URL;
  const [owner, worker] = [roleOf(url), roleOf(config.DATABASE_URL)];
  const migrations = await readMigrations(new URL('migrations/', prisma));
  await withMigrationConnection({ url, log, waitMs }, async (client) => {
    await demandMigratable(client, { service, messaging }, migrations);
    await migrateMessagingOver(client, { schema: messaging, log });
    await claimDatabase(client, service, messaging);
    const applied = await applyMigrations(client, migrations, log);
    if (applied.length > 0) log.info({ migrations: applied }, 'database migrated');
    if (worker !== owner) await grantWork(client, { role: worker, messaging, log });
  });
}
