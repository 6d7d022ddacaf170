/** Bounds of a unit of work. All times in milliseconds. */
export interface Limits {
  /** Unpublished rows beyond which new work is refused as `service-overloaded`. Default 100,000. */
  maxBacklog: number;
  /** How long a relay owns the rows it claimed. Must be longer than `confirmMs`. Default 15,000. */
  leaseMs: number;
  /** A publish that takes longer counts as not confirmed. Default 10,000. */
  confirmMs: number;
  /** Between two looks for rows that a crash or a full relay left. Default 1,000, with jitter. */
  pollMs: number;
  /**
   * Between two looks at everything that is unpublished; those between them begin where the one before ended.
   * Default 60,000.
   */
  fullLookMs: number;
  /** Between two tries to publish what no queue took, one of each type. Default 5,000. */
  returnedMs: number;
  /** Most events that this relay has in flight. Default 1,000. */
  relayCapacity: number;
  /** Longest wait of an event that committed for others, while earlier ones are not confirmed. Default 20. */
  gatherMs: number;
  /** Longest wait for open publishes in `stop`. Default 5,000. */
  stopMs: number;
  /** Longest duration of one transaction. Default 10,000. */
  transactionMs: number;
  /** Longest wait for a transaction to start; for clients that leave it to nobody else, such as a pool. Default 5,000. */
  maxWaitMs: number;
  /** Longest wait of a consuming transaction for a lock that others hold. Default 1,000. */
  lockWaitMs: number;
  /** Most events of one consuming transaction. Default 50. */
  batchSize: number;
  /** Most deliveries held unacknowledged. Default 100. */
  prefetch: number;
  /** Between two looks for replays that other services wait for. Default 2,000, with jitter. */
  replayPollMs: number;
  /** Events a second that one replay sends. Default 2,000. */
  replayPerSecond: number;
  /** Between two looks whether the copies are complete, until they are. Default 2,000. */
  catchUpPollMs: number;
  /** So long nothing must have come before a replay is asked for again. Default 60,000. */
  catchUpPatienceMs: number;
  /** So often may a message be named as a suspect and never finished; then it is dead. Default 3. */
  crashTries: number;
  /** Between two rounds of retention, with jitter. Default 600,000. */
  retentionMs: number;
  /** Whole days that the outbox keeps, beside today. Default 7. */
  outboxDays: number;
  /** Whole days that the inbox keeps, beside today. Default 14. */
  inboxDays: number;
  /** Days whose partitions are made before they come. Default 3. */
  partitionsAhead: number;
  /** Of a feed's last `feedRecentHours`, so many entries are kept at most. Default 20,000. */
  feedRecentEntries: number;
  /** Default 24. */
  feedRecentHours: number;
  /** Of a feed's last `feedDays`, so many entries are kept at most. Default 1,000. */
  feedEntries: number;
  /** Default 30. */
  feedDays: number;
  /** Days after which a suspect that nobody saw again is forgotten. Default 7. */
  suspectDays: number;
  /** Between two looks whether the database is still the one it was. Default 5,000, with jitter. */
  epochCheckMs: number;
  /** Days that a finished replay can be looked up. Default 30. */
  replayDays: number;
}

const defaults: Limits = {
  maxBacklog: 100_000,
  leaseMs: 15_000,
  confirmMs: 10_000,
  pollMs: 1_000,
  fullLookMs: 60_000,
  returnedMs: 5_000,
  relayCapacity: 1_000,
  gatherMs: 20,
  stopMs: 5_000,
  transactionMs: 10_000,
  maxWaitMs: 5_000,
  lockWaitMs: 1_000,
  batchSize: 50,
  prefetch: 100,
  replayPollMs: 2_000,
  replayPerSecond: 2_000,
  catchUpPollMs: 2_000,
  catchUpPatienceMs: 60_000,
  crashTries: 3,
  retentionMs: 600_000,
  outboxDays: 7,
  inboxDays: 14,
  partitionsAhead: 3,
  feedRecentEntries: 20_000,
  feedRecentHours: 24,
  feedEntries: 1_000,
  feedDays: 30,
  suspectDays: 7,
  epochCheckMs: 5_000,
  replayDays: 30,
};

/** Throws if the lease could end while a confirm is still awaited. */
export function withDefaults(given: Partial<Limits> = {}): Limits {
  const limits = { ...defaults, ...given };
  if (limits.leaseMs <= limits.confirmMs) throw new RangeError('leaseMs must be longer than confirmMs');
  return limits;
}
