import type { ServiceContract } from '@warren/contracts';
import { claimDatabase, migrateMessagingOver, type RawClient } from '@warren/unit-of-work';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { TObject } from 'typebox';
import type { KitConfig } from '../config/kit-config.js';
import type { Environment } from '../config/read-config.js';
import { readServiceConfig } from '../config/service-config.js';
import { withMigrationConnection } from '../database/connect.js';
import { grantRowAccess, roleOf } from '../database/grants.js';
import { HealthConnection } from '../database/health-connection.js';
import { inspectDatabase } from '../database/inspect.js';
import { applyMigrations, readMigrations } from '../database/migrations.js';
import { requireMigratable } from '../database/own-database.js';
import { createPool } from '../database/pool.js';
import type { ServiceClient, ServiceDefinition } from '../definition.js';
import { createLogger } from '../observe/logger.js';
import type { Closing } from './stop.js';

/** Connections of `DATABASE_POOL` that are reserved for the health check. */
const healthConnections = 1;

/** Milliseconds to wait for a database that is still starting. */
const maxWaitMs = 60_000;

/**
 * Migrates the database unless `MIGRATE` is off, checks that it belongs to the service, and opens the pool, the client and
 * the connection of the health check.
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
  const server = await inspectDatabase({
    url,
    service,
    messaging: config.MESSAGING_SCHEMA,
    log,
    waitMs: maxWaitMs,
  });
  const health = new HealthConnection({ url, service });
  closing.add('health connection', () => health.close());
  const pool = createPool({ url, max: config.DATABASE_POOL - healthConnections, service, log, server });
  closing.add('database pool', () => pool.end());
  const client = database.client(pool);
  closing.add('database client', () => client.$disconnect());
  return { pool, health, client };
}

interface MigrateOptions {
  config: Pick<KitConfig, 'DATABASE_URL' | 'MIGRATE_DATABASE_URL' | 'MESSAGING_SCHEMA'>;
  service: string;
  prisma: URL;
  log: Logger;
  /** Milliseconds to wait for a database that can't be reached yet. Default 0. */
  waitMs?: number;
}

/**
 * Migrates the tables of the service and those of the unit of work. If another role owns them, grants the role of
 * `DATABASE_URL` its rights. Several processes may do this at the same time.
 */
export async function migrate({ config, service, prisma, log, waitMs }: MigrateOptions): Promise<void> {
  const messaging = config.MESSAGING_SCHEMA;
  const url = config.MIGRATE_DATABASE_URL ?? config.DATABASE_URL;
  const [owner, worker] = [roleOf(url), roleOf(config.DATABASE_URL)];
  const migrations = await readMigrations(new URL('migrations/', prisma));
  await withMigrationConnection({ url, log, waitMs }, async (client) => {
    await requireMigratable(client, { service, messaging }, migrations);
    await migrateMessagingOver(client, { schema: messaging, log });
    await claimDatabase(client, service, messaging);
    const applied = await applyMigrations(client, migrations, log);
    if (applied.length > 0) log.info({ migrations: applied }, 'database migrated');
    if (worker !== owner) await grantRowAccess(client, { role: worker, messaging, log });
  });
}

/**
 * Only migrates the service's database: in an init container, or by hand before a deployment. Several processes may do this
 * at the same time. Needs no broker, and waits up to a minute for a database that can't be reached yet.
 *
 * Throws `ConfigError` for a wrong environment.
 */
export async function migrateService<
  Config extends TObject,
  Db extends RawClient,
  Client extends ServiceClient<Db>,
  C extends ServiceContract,
>(definition: ServiceDefinition<Config, Db, Client, C>, env: Environment): Promise<void> {
  const { contract, database } = definition;
  const { service } = contract;
  const config = readServiceConfig(definition, env, true);
  const log = createLogger({ service, node: config.NODE_ID, level: config.LOG_LEVEL });
  await migrate({ config, service, prisma: database.prisma, log, waitMs: maxWaitMs });
  log.info('the database is up to date');
}
