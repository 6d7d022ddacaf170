export * from './api.js';
export { defaultLimits } from './limits/defaults.js';
export * from './nodes/index.js';
export { createRealtime } from './realtime.js';
