import type { ServiceContract } from '@warren/contracts';
import type { RawClient } from '@warren/unit-of-work';
import type { TObject } from 'typebox';
import type { Environment } from '../config/read-config.js';
import { readServiceConfig } from '../config/service-config.js';
import type { ServiceClient, ServiceDefinition } from '../definition.js';
import { createLogger } from '../observe/logger.js';
import { migrate, mostWaitMs } from './database.js';

/**
 * Brings the service's database up to date and nothing else: for an init container, or by hand before a deployment.
 * Safe when several run at once. Needs no broker, and waits up to a minute for a database that isn't there yet.
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
  await migrate({ config, service, prisma: database.prisma, log, waitMs: mostWaitMs });
  log.info('the database is up to date');
}
