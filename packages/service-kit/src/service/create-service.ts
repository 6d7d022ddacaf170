import type { ServiceContract } from '@warren/contracts';
import type { EventBus } from '@warren/event-bus';
import type { MemoryNodes } from '@warren/node-bus';
import type { RawClient } from '@warren/unit-of-work';
import type { JWTVerifyGetKey } from 'jose';
import type { Logger } from 'pino';
import type { TObject } from 'typebox';
import type { Environment } from '../config/read-config.js';
import { readServiceConfig, warnOfSharedUser } from '../config/service-config.js';
import type { ServiceClient, ServiceDefinition } from '../definition.js';
import { createLogger } from '../observe/logger.js';
import { openService } from './open-service.js';
import { Closing, type StopOptions } from './stop.js';

/** Parts that the process brings instead of those that the environment names. */
export interface ServiceOverrides {
  /** Used if `AMQP_URL` isn't set. Stopping the service doesn't close it. */
  bus?: EventBus;
  /**
   * The node bus of this process, used if `AMQP_URL` isn't set. Services that share it receive each other's revocations at
   * once; otherwise they find them in the list of the user service.
   */
  nodes?: MemoryNodes;
  log?: Logger;
  /** The token issuer's keys, instead of fetching them from `JWKS_URL`. */
  keys?: JWTVerifyGetKey;
}

export interface RunningService {
  name: string;
  /** The port that was bound, also if the configuration says 0. */
  port: number;
  internalPort: number;
  /** `http://127.0.0.1:<port>` */
  url: string;
  /** Drains and closes everything, in order. Repeated calls wait for the same stop; a call with `hurry` speeds it up. */
  stop(options?: StopOptions): Promise<void>;
}

/**
 * Starts a service. If a step of the start fails, everything that was opened is closed again.
 *
 * Throws `ConfigError` if the environment is wrong.
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
