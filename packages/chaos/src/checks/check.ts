import type { Evidence } from '../evidence/evidence.js';

export interface Check {
  /** Appears in the report beside the number of offenders, which must be 0. */
  name: string;
  /** Describes each offender with the details that an investigation needs. */
  find(evidence: Evidence): string[];
}

/** Groups items by a key, in the order of its first appearance. */
export function groupBy<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
