import type { RawClient } from '@warren/unit-of-work';
import type { TObject } from 'typebox';
import type { Environment } from '../config/read-config.js';
import { readServiceConfig } from '../config/service-config.js';
import { createPool } from '../database/pool.js';
import type { ServiceClient, ServiceDefinition } from '../definition.js';
import { createLogger } from '../observe/logger.js';
import { migrate } from './database.js';

/** Milliseconds that one step of a migration may take. */
const longestMs = 30 * 60_000;

/**
 * Brings the service's database up to date and nothing else: for an init container, or by hand before a deployment.
 * Safe when several run at once. Needs no broker.
 *
 * Throws `ConfigError` for a wrong environment.
 */
export async function migrateService<
  Config extends TObject,
  Db extends RawClient,
  Client extends ServiceClient<Db>,
>(definition: ServiceDefinition<Config, Db, Client>, env: Environment): Promise<void> {
  const { name, database } = definition;
  const config = readServiceConfig(definition, env, true);
  const log = createLogger({ service: name, node: config.NODE_ID, level: config.LOG_LEVEL });
  const pool = createPool({ url: config.DATABASE_URL, max: 1, service: name, log, silenceMs: longestMs });
  try {
    await migrate({ url: config.DATABASE_URL, prisma: database.prisma, pool, log });
    log.info('the database is up to date');
  } finally {
    await pool.end();
  }
}
