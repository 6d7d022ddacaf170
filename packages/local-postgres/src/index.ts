export { ensureDatabases } from './databases.js';
export { identityOf, isAlive } from './processes.js';
export type { RunnerKind } from './runner.js';
export type { LocalPostgres, LocalPostgresOptions } from './start.js';
export { freePort, startLocalPostgres } from './start.js';
