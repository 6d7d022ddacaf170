export * from './api.js';
export { defaultLimits } from './limits/defaults.js';
export { createRealtime } from './realtime.js';
