import { hostname } from 'node:os';
import type { EventBus } from '@warren/event-bus';
import { createRealtimeNode, type NodeLink } from '@warren/realtime';
import { createUnitOfWork, migrateMessaging, type RawClient } from '@warren/unit-of-work';
import type { JWTVerifyGetKey } from 'jose';
import type { Logger } from 'pino';
import type { TObject } from 'typebox';
import { createRemoteKeys } from '../auth/remote-keys.js';
import { createTokenVerifier } from '../auth/token-verifier.js';
import type { KitConfig } from '../config/kit-config.js';
import type { Environment } from '../config/read-config.js';
import { readServiceConfig } from '../config/service-config.js';
import { migrateDatabase } from '../database/migrate.js';
import { createPool } from '../database/pool.js';
import type { ServiceClient, ServiceDefinition } from '../definition.js';
import { Readiness } from '../http/health.js';
import { createInternalListener } from '../http/internal-listener.js';
import { closeHttp, listen } from '../http/listen.js';
import { addDoors, createHttp } from '../http/server.js';
import { createLogger } from '../observe/logger.js';
import { Metrics } from '../observe/metrics.js';
import { measure } from '../observe/service-metrics.js';
import { timedCommand } from '../observe/timed-command.js';
import { openBus, openLink } from './broker.js';
import { Closing } from './closing.js';
import { contractsConsumedBy } from './known-contracts.js';
import { createStop, type StopOptions } from './stop.js';

/** What a process may bring instead of what the environment names. */
export interface ServiceOverrides {
  /** Used where `AMQP_URL` isn't set. It stays the caller's: stopping the service doesn't close it. */
  bus?: EventBus;
  /** Used where `AMQP_URL` isn't set; without one, pushes reach this process's sockets only. Stays the caller's. */
  link?: NodeLink;
  log?: Logger;
  /** The token issuer's keys, instead of fetching them from `JWKS_URL`. */
  keys?: JWTVerifyGetKey;
}

export interface RunningService {
  name: string;
  /** As bound, also where the configuration said 0. */
  port: number;
  internalPort: number;
  /** `http://127.0.0.1:<port>` */
  url: string;
  /** Drains and closes everything, in order. Repeated calls wait for the same stop; one with `hurry` speeds it up. */
  stop(options?: StopOptions): Promise<void>;
}

/**
 * Starts a service: configuration, database and its migrations, bus, doors, sockets, HTTP, consuming, in this
 * order. What was opened is closed again, in reverse, if a later step fails.
 *
 * Throws `ConfigError` for a wrong environment.
 */
export async function createService<
  Config extends TObject,
  Db extends RawClient,
  Client extends ServiceClient<Db>,
>(
  definition: ServiceDefinition<Config, Db, Client>,
  env: Environment,
  overrides: ServiceOverrides = {},
): Promise<RunningService> {
  const config = readServiceConfig(definition, env);
  const { name } = definition;
  const node = config.NODE_ID ?? hostname();
  const log = overrides.log ?? createLogger({ service: name, node, level: config.LOG_LEVEL });
  const closing = new Closing();
  try {
    return await open({ definition, config, node, log, closing, overrides });
  } catch (error) {
    await closing.run(log);
    throw error;
  }
}

interface OpenOptions<Config extends TObject, Db extends RawClient, Client extends ServiceClient<Db>> {
  definition: ServiceDefinition<Config, Db, Client>;
  config: Parameters<ServiceDefinition<Config, Db, Client>['doors']>[0]['config'];
  node: string;
  log: Logger;
  closing: Closing;
  overrides: ServiceOverrides;
}

async function open<Config extends TObject, Db extends RawClient, Client extends ServiceClient<Db>>({
  definition,
  config,
  node,
  log,
  closing,
  overrides,
}: OpenOptions<Config, Db, Client>): Promise<RunningService> {
  const { name, contract } = definition;
  const metrics = new Metrics(name, node);

  const broker = { url: config.AMQP_URL, service: name, node, log, bus: overrides.bus, link: overrides.link };
  const bus = openBus(broker);
  closing.add('event bus', () => bus.close());

  const pool = createPool({ url: config.DATABASE_URL, max: config.DATABASE_POOL, service: name, log });
  closing.add('database pool', () => pool.end());
  if (config.MIGRATE === 'on') {
    const applied = await migrateDatabase({ url: config.DATABASE_URL, prisma: definition.database.prisma });
    if (applied.length > 0) log.info({ migrations: applied }, 'database migrated');
    await migrateMessaging(pool);
  }
  const client = definition.database.client(pool);
  closing.add('database client', () => client.$disconnect());
