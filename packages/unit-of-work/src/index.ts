export * from './api.js';
export { isInfrastructure } from './failures.js';
export type { ConsumerStats } from './inbox/consumer.js';
export type { Limits } from './limits.js';
export type { RelayStats } from './outbox/relay.js';
export { Retention, type RetentionParts, type RetentionStats } from './retention/retention.js';
export { migrateMessaging } from './schema/migrate.js';
export {
  createUnitOfWork,
  type Messaging,
  type MessagingStats,
  type UnitOfWorkOptions,
} from './unit-of-work.js';
