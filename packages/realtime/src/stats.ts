import type { RealtimeStats } from './api.js';

/** What `RealtimeStats` counts, without its gauges. */
export type Counters = Omit<RealtimeStats, 'sockets' | 'users' | 'unjoined' | 'opening'>;

export function newCounters(): Counters {
  return {
    pushesUseful: 0,
    pushesWasted: 0,
    entriesSent: 0,
    gaps: 0,
    sweepRepairs: 0,
    resumes: 0,
    resets: { unknown: 0, epoch: 0, 'too-old': 0, unavailable: 0 },
    drops: 0,
    handshakesRefused: {},
    upgradesRefused: 0,
    connectionsCut: 0,
  };
}
