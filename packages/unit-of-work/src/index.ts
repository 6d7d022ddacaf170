export * from './api.js';
export { isInfrastructure, isStalePlan } from './failures.js';
export { type DataOf, type HandledType, type Handling, project, react } from './handlers.js';
export type { ConsumerStats } from './inbox/stats.js';
export { type LeaseOptions, withLease } from './lease.js';
export type { Limits } from './limits.js';
export type { RelayStats } from './outbox/relay.js';
export { Retention, type RetentionParts, type RetentionStats } from './retention/retention.js';
export { claimDatabase, databaseOwner } from './schema/database-owner.js';
export { migrateMessaging, migrateMessagingOver } from './schema/migrate.js';
export { changeSchema, type SchemaChangeOptions } from './schema/schema-change.js';
export { RolledBack } from './transaction/commit.js';
export { type PgClientOptions, pgClient, statementNames } from './transaction/pg-client.js';
export { inTransaction, type PgTransaction } from './transaction/pg-transaction.js';
export {
  createUnitOfWork,
  type Messaging,
  type MessagingStats,
  type StartOptions,
  type UnitOfWorkOptions,
} from './unit-of-work.js';
