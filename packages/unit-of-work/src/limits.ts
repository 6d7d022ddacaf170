/** Limits of a unit of work. All times are in milliseconds unless the name says otherwise. */
export interface Limits {
  /** Unpublished rows beyond which new work is refused as `service-overloaded`. Default 100,000. */
  maxBacklog: number;
  /** How long a relay owns the rows it claimed. Must be longer than `confirmMs`. Default 15,000. */
  leaseMs: number;
  /** A publish that takes longer counts as unconfirmed. Default 10,000. */
  confirmMs: number;
  /** Interval of polls for rows that a crash or a full relay left in the outbox. Default 1,000, with jitter. */
  pollMs: number;
  /** Interval of polls that read all unpublished rows. The others start where the last one ended. Default 60,000. */
  fullLookMs: number;
  /** Interval of retries for events that no queue took, one event of each type. Default 5,000. */
  returnedMs: number;
  /** How many events this relay has in flight at most. Default 1,000. */
  relayCapacity: number;
  /** How long a committed event waits at most to be published together with others. Default 20. */
  gatherMs: number;
  /** How long `stop` waits at most for unconfirmed events. Default 5,000. */
  stopMs: number;
  /** Longest duration of one transaction. Default 10,000. */
  transactionMs: number;
  /** How long a transaction waits at most to start, if the client supports that. Default 5,000. */
  maxWaitMs: number;
  /** How long a consuming transaction waits at most for a lock. Default 1,000. */
  lockWaitMs: number;
  /** How many events one consuming transaction handles at most. Default 50. */
  batchSize: number;
  /** How many deliveries are unacknowledged at most. Default 100. */
  prefetch: number;
  /** Interval of polls for replays that other services requested. Default 2,000, with jitter. */
  replayPollMs: number;
  /** Events a second that one replay sends. Default 2,000. */
  replayPerSecond: number;
  /** Interval of checks whether all copies are complete, until they are. Default 2,000. */
  catchUpPollMs: number;
  /** A replay is requested again after nothing of it arrived for this long. Default 60,000. */
  catchUpPatienceMs: number;
  /** How many times a message may crash its handler before it becomes a dead letter. Default 3. */
  crashTries: number;
  /** Interval of the rounds of retention. Default 600,000, with jitter. */
  retentionMs: number;
  /**
   * The pause after a step of retention lasts this many times as long as the step. Default 3: retention takes a quarter
   * of the time.
   */
  retentionPauseFactor: number;
  /** Whole days besides today for which the outbox keeps published events. Default 7. */
  outboxDays: number;
  /** Whole days besides today for which the inbox remembers handled events. Default 14. */
  inboxDays: number;
  /** Days for which partitions are created in advance. Default 3. */
  partitionsAhead: number;
  /** How many entries of the last `feedRecentHours` a feed keeps at most. Default 20,000. */
  feedRecentEntries: number;
  /** Default 24. */
  feedRecentHours: number;
  /** How many entries of the last `feedDays` a feed keeps at most. Default 1,000. */
  feedEntries: number;
  /** Default 30. */
  feedDays: number;
  /** Days after which a suspect that was not delivered again is deleted. Default 7. */
  suspectDays: number;
  /** Interval of checks whether the database was restored. Default 5,000, with jitter. */
  epochCheckMs: number;
  /** Days for which a finished replay can be looked up. Default 30. */
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
  retentionPauseFactor: 3,
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

/** Throws `RangeError` if a lease could end while the relay still waits for a confirm. */
export function withDefaults(given: Partial<Limits> = {}): Limits {
  const limits = { ...defaults, ...given };
  if (limits.leaseMs <= limits.confirmMs) throw new RangeError('leaseMs must be longer than confirmMs');
  return limits;
}
