export * from './api.js';
export { defaultLimits, type RealtimeLimits } from './limits/limits.js';
export { createRealtime } from './realtime.js';
export type { RealtimeStats, ResetReason } from './stats.js';
