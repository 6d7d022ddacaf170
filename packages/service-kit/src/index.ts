export { project, react } from '@warren/unit-of-work';
export type { Pool } from 'pg';
export { createRemoteKeys } from './auth/remote-keys.js';
export { createTokenVerifier, type TokenVerifierOptions } from './auth/token-verifier.js';
export { type Commands, type SocketOf, socketCommands } from './commands.js';
export { type KitConfig, kitConfigSchema, secret } from './config/kit-config.js';
export {
  type ConfigDescription,
  ConfigError,
  describeConfig,
  type Environment,
  readConfig,
} from './config/read-config.js';
export { readServiceConfig } from './config/service-config.js';
export { type MigrateOptions, migrateDatabase } from './database/migrations.js';
export { type PrismaOptions, prismaClient } from './database/prisma/prisma-client.js';
export * from './definition.js';
export { networkOf } from './http/client-address.js';
export { problems } from './http/documentation.js';
export { idempotencyKey } from './http/idempotency-key.js';
export { perMinute } from './http/request-limit.js';
export { type Http, routes } from './http/routes.js';
export { createLogger, type LoggerOptions } from './observe/logger.js';
export type { RevocationPage, RevocationSource } from './revocations/source.js';
export { type Rounds, rounds } from './rounds.js';
export { createService, type RunningService, type ServiceOverrides } from './service/create-service.js';
export { runWhenMain } from './service/run-when-main.js';
export { onStopSignals, type StopOptions, type StopSignals } from './service/stop.js';
