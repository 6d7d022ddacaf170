import type { Evidence } from '../evidence/evidence.js';
import type { Check } from './check.js';
import { differingCopies } from './copies.js';
import { duplicateEffects } from './duplicates.js';
import { lostActions } from './lost.js';
import {
  badEnds,
  brokenFeeds,
  lostPlantedEvents,
  ongoingActivity,
  refusedActions,
  unexpectedLetters,
  unhandledEvents,
  unpublishedEvents,
  wrongBalances,
  wrongCounts,
} from './state.js';
import { differingViews } from './views.js';

export const checks: readonly Check[] = [
  lostActions,
  duplicateEffects,
  differingCopies,
  differingViews,
  unpublishedEvents,
  unhandledEvents,
  unexpectedLetters,
  lostPlantedEvents,
  brokenFeeds,
  wrongCounts,
  wrongBalances,
  refusedActions,
  badEnds,
  ongoingActivity,
];

export interface CheckResult {
  name: string;
  /** The number of offenders; must be 0. */
  count: number;
  offenders: string[];
}

/** Runs all checks, even if an earlier one finds something. */
export function checkAll(evidence: Evidence): CheckResult[] {
  return checks.map(({ name, find }) => {
    const offenders = find(evidence);
    return { name, count: offenders.length, offenders };
  });
}
