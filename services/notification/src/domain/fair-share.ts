/** A delivery that is under way, as far as others have to wait for it. */
export interface UnderWay {
  userId: string;
  /** Where a push goes that its subscription may not take: it never took one, or failed the last time. */
  trialOrigin: string | null;
}

/** Whose turn it is not, and how many more may be tried that are on trial. */
export interface FairShare {
  busyUsers: string[];
  busyOrigins: string[];
  trialsLeft: number;
}

/** Of one person, and of what is on trial at one origin, so many are under way at once in an instance. */
const mostAtOnce = 2;

/**
 * Keeps the slow from holding everything: a person has two slots at most, and all that is on trial together fewer than
 * half. Whoever lets us wait is on trial from then on, so that what is known to work always finds a slot.
 */
export function fairShare(underWay: Iterable<UnderWay>, concurrency: number): FairShare {
  const users = new Map<string, number>();
  const origins = new Map<string, number>();
  let trials = 0;
  for (const { userId, trialOrigin } of underWay) {
    add(users, userId);
    if (trialOrigin === null) continue;
    add(origins, trialOrigin);
    trials += 1;
  }
  return {
    busyUsers: full(users),
    busyOrigins: full(origins),
    trialsLeft: Math.max(0, Math.floor(concurrency * 0.4) - trials),
  };
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function full(counts: ReadonlyMap<string, number>): string[] {
  return [...counts].filter(([, count]) => count >= mostAtOnce).map(([key]) => key);
}
