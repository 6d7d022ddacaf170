/** What one node has counted since its start, and how it stands now. */
export interface RealtimeStats extends Counters {
  sockets: number;
  /** Users with at least one socket here. */
  users: number;
  /** Connections that have joined no namespace. */
  unjoined: number;
  /** Sockets that wait for the read that tells where in their feed they start. */
  opening: number;
}

/** The part of `RealtimeStats` that only grows. */
export interface Counters {
  /** Entries written to sockets, by push or by reading. */
  entriesSent: number;
  /** Pushes that arrived while an entry before them was missing. */
  gaps: number;
  /** Users for whom a sweep found entries that no push had announced. */
  sweepRepairs: number;
  /** Sockets that resumed from their cursor. */
  resumes: number;
  resets: Record<ResetReason, number>;
  /** Sockets that read too slowly and were sent `feed.behind`. */
  drops: number;
  /** By error code. */
  handshakesRefused: Partial<Record<string, number>>;
  /** Connections refused with 503, before any handshake. */
  upgradesRefused: number;
  /** Connections that sent too much or read too little and were cut off. */
  connectionsCut: number;
}

/**
 * Why a client can't resume from its cursor. `unavailable`: it gave no cursor, and the feed could not be read when it
 * joined, so entries may have been written that it can't ask for.
 */
export type ResetReason = 'unknown' | 'epoch' | 'too-old' | 'unavailable';

export function newCounters(): Counters {
  return {
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

export function countRefusedHandshake({ handshakesRefused }: Counters, code: string): void {
  handshakesRefused[code] = (handshakesRefused[code] ?? 0) + 1;
}
