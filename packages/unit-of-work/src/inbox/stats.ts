import type { Delivery, Verdict } from '@warren/event-bus';
import type { Logger } from 'pino';
import type { WorkDone } from './work.js';

export interface ConsumerStats {
  handled: number;
  duplicates: number;
  retried: number;
  dead: number;
  /** Handled events that were parts of a replay. */
  replayed: number;
  /** Batches that failed as a whole, so that their events were handled one by one. */
  split: number;
  /** Messages that were handled alone, since an earlier process may have crashed on them. */
  suspected: number;
  /** Messages that were given up, since too many processes crashed on them. */
  crashLoops: number;
  /** Verdicts `busy`: other transactions held the locks that an event needs. */
  busy: number;
}

/** Counts what a consumer does, and logs the events that it could not handle. */
export function createStats(log: Logger) {
  const stats: ConsumerStats = {
    handled: 0,
    duplicates: 0,
    retried: 0,
    dead: 0,
    split: 0,
    replayed: 0,
    suspected: 0,
    crashLoops: 0,
    busy: 0,
  };
  let lastReplayed = 0;

  return {
    stats,
    /** When a part of a replay was last handled, in epoch milliseconds. 0: never. */
    lastReplayed: () => lastReplayed,

    committed({ duplicates, replayed }: WorkDone): void {
      stats.duplicates += duplicates;
      if (replayed === 0) return;
      stats.replayed += replayed;
      lastReplayed = Date.now();
    },

    decided(verdict: Verdict, delivery: Delivery | undefined): void {
      if (verdict.kind === 'done') {
        stats.handled += 1;
        return;
      }
      if (verdict.kind === 'busy') {
        stats.busy += 1;
        return;
      }
      stats[verdict.kind === 'dead' ? 'dead' : 'retried'] += 1;
      if (isCrashLoop(verdict)) stats.crashLoops += 1;
      const { id, type, attempt } = delivery ?? {};
      const reason = verdict.kind === 'dead' ? verdict.reason : 'retry';
      log.warn({ err: verdict.error, id, type, attempt, reason }, 'an event could not be handled');
    },
  };
}

export const isCrashLoop = (verdict: Verdict): boolean =>
  verdict.kind === 'dead' && verdict.reason === 'crash-loop';
