import type { Evidence } from '../evidence/evidence.js';
import { copiesDiffer } from './copies.js';
import { effectsDoubled } from './doubled.js';
import type { Check } from './finding.js';
import { acceptedLost } from './lost.js';
import {
  badEnds,
  balancesWrong,
  countsWrong,
  deadLettersUnplanted,
  eventsVanished,
  feedsBroken,
  outboxStuck,
  plantedVanished,
  unquiet,
  validRefused,
} from './state.js';
import { viewsDiffer } from './views.js';

export const checks: readonly Check[] = [
  acceptedLost,
  effectsDoubled,
  copiesDiffer,
  viewsDiffer,
  outboxStuck,
  eventsVanished,
  deadLettersUnplanted,
  plantedVanished,
  feedsBroken,
  countsWrong,
  balancesWrong,
  validRefused,
  badEnds,
  unquiet,
];

export interface CheckResult {
  name: string;
  /** Of offenders; must be 0. */
  count: number;
  offenders: string[];
}

/** Every check, also where one before it has found something. */
export function checkAll(evidence: Evidence): CheckResult[] {
  return checks.map(({ name, find }) => {
    const offenders = find(evidence);
    return { name, count: offenders.length, offenders };
  });
}
