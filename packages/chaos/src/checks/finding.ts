import type { Evidence } from '../evidence/evidence.js';

/** One thing that a check looks for. Each string tells of one offender, with what is needed to look into it. */
export interface Check {
  /** As the report prints it beside the number, which must be 0. */
  name: string;
  find(evidence: Evidence): string[];
}

/** Groups by a key, in the order of first appearance. */
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
