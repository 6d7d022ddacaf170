import type { ServiceContract } from '@warren/contracts';
import type { EventBus } from '@warren/event-bus';
import type { MemoryNodes } from '@warren/node-bus';
import type { RawClient } from '@warren/unit-of-work';
import type { JWTVerifyGetKey } from 'jose';
import type { Logger } from 'pino';
import type { TObject } from 'typebox';
import { warnOfSharedUser } from '../config/broker-users.js';
import type { Environment } from '../config/read-config.js';
import { readServiceConfig } from '../config/service-config.js';
import type { ServiceClient, ServiceDefinition } from '../definition.js';
import { createLogger } from '../observe/logger.js';
import { Closing } from './closing.js';
import { openService } from './open-service.js';
import type { StopOptions } from './stop.js';

/** What a process may bring instead of what the environment names. */
export interface ServiceOverrides {
  /** Used where `AMQP_URL` isn't set. It stays the caller's: stopping the service doesn't close it. */
  bus?: EventBus;
  /**
   * The nodes of this process, used if `AMQP_URL` isn't set. Services that share them hear each other's revocations at
   * once; otherwise they find them in the user service's list.
   */
  nodes?: MemoryNodes;
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
  C extends ServiceContract,
>(
  definition: ServiceDefinition<Config, Db, Client, C>,
  env: Environment,
  overrides: ServiceOverrides = {},
): Promise<RunningService> {
  const config = readServiceConfig(definition, env, overrides.bus !== undefined);
  const options = { service: definition.contract.service, node: config.NODE_ID, level: config.LOG_LEVEL };
  const log = overrides.log ?? createLogger(options);
  warnOfSharedUser(config, definition.contract.service, log);
  const closing = new Closing();
  try {
    return await openService<Config, Db, Client, C>({ definition, config, log, closing, overrides });
  } catch (error) {
    await closing.run(log);
    throw error;
  }
}
