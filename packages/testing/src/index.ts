export type { TestBroker } from './broker.js';
export { testBroker } from './broker.js';
export type { TestDatabase } from './database.js';
export { testDatabase } from './database.js';
export type { EventuallyOptions } from './eventually.js';
export { eventually } from './eventually.js';
export type { FaultProxy } from './fault-proxy.js';
export { faultProxy } from './fault-proxy.js';
export { named, unavailable } from './unavailable.js';
