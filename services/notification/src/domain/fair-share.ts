/** A delivery that an instance is sending, as far as other deliveries have to wait for it. */
export interface UnderWay {
  userId: string;
  /**
   * The origin of the endpoint of a push on trial. A push is on trial if its subscription has never taken a push, or
   * failed the last time. Null for all other deliveries.
   */
  trialOrigin: string | null;
}

/** What an instance may not take now. */
export interface FairShare {
  /** People who have all their slots in use. */
  busyUsers: string[];
  /** Origins with all their slots for pushes on trial in use. */
  busyOrigins: string[];
  /** How many more pushes on trial may be taken. */
  trialsLeft: number;
}

/** Slots of each person, and of all pushes on trial at one origin, in one instance. */
const mostAtOnce = 2;
/** The part of an instance's slots that pushes on trial may use. */
const trialShare = 0.4;

/**
 * Keeps slow endpoints from using all slots of an instance. An endpoint that doesn't answer is on trial from then on,
 * so there are always slots for endpoints that are known to work.
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
    trialsLeft: Math.max(0, Math.floor(concurrency * trialShare) - trials),
  };
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function full(counts: ReadonlyMap<string, number>): string[] {
  return [...counts].filter(([, count]) => count >= mostAtOnce).map(([key]) => key);
}
