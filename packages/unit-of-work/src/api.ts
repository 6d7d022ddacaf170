import type { DomainEvent, ServiceContract } from '@warren/contracts';
import type { Static, TSchema } from 'typebox';

/**
 * What carries a unit of work: `pgClient`, or the kit's Prisma client. `Db` is what handlers see inside a transaction.
 * `$transaction` rejects if the database answers COMMIT with a rollback (see `RolledBack`).
 */
export interface TransactionalClient<Db extends RawClient> {
  $transaction<T>(work: (tx: Db) => Promise<T>, options?: TransactionOptions): Promise<T>;
}

export interface TransactionOptions {
  /** How many milliseconds to wait for a connection, if the client supports that. */
  maxWait?: number;
  /** Milliseconds after which the transaction is rolled back. Default 10,000. */
  timeout?: number;
  isolationLevel?: 'ReadUncommitted' | 'ReadCommitted' | 'RepeatableRead' | 'Serializable';
}

/**
 * Runs the last statement of a transaction and commits with it, in one round trip. Resolves to the statement's rows once
 * both have succeeded. Nothing is committed if the statement fails.
 */
export type CommitWith = <Row extends object>(sql: string, values: readonly unknown[]) => Promise<Row[]>;

export interface RawClient {
  $queryRawUnsafe<T = unknown>(sql: string, ...values: unknown[]): Promise<T>;
  /** Only for the unit of work, which ends its transactions with it. Without it, they take one round trip more. */
  $commitWith?: CommitWith;
}

/** What a handler gets: the database transaction, and ways to publish and feed what commits with it. */
export type Tx<Db, C extends ServiceContract = ServiceContract> = Db & TxEffects<C>;

export interface TxEffects<C extends ServiceContract = ServiceContract> {
  /** Collects a domain event that the contract emits. It is written just before the commit and published after it. */
  readonly publish: (event: EventOf<C>) => void;
  /** Collects an entry for one user's feed. Its `seq` is known only after the commit. */
  readonly feed: (userId: string, entry: FeedEntryOf<C>) => void;
  /**
   * Deletes everything of this user from the kit's tables when the transaction commits: their feed, their `personal` fields
   * in the feeds of others, the records of `once`, and published events `about` them. Unpublished events about them are
   * deleted after they are published. What this transaction has published or fed for the user is dropped, and it can't
   * publish or feed more for them. Before it calls this, the work must make sure that no other transaction writes for the
   * user any more.
   */
  readonly erase: (userId: string) => void;
  /** Whether this database has ever had all entities of this service that its handlers keep copies of. */
  readonly hasCopyOf: (service: string) => Promise<boolean>;
}

/** An event that a service with this contract may publish. */
export type EventOf<C extends ServiceContract> = {
  [Type in keyof C['emits'] & string]: NewEvent<Type, Static<C['emits'][Type]>>;
}[keyof C['emits'] & string];

/** An entry that a service with this contract may put into a feed. */
export type FeedEntryOf<C extends ServiceContract> = {
  [Type in keyof C['feed'] & string]: NewFeedEntry<Type, Static<C['feed'][Type]>>;
}[keyof C['feed'] & string];

export interface NewEvent<Type extends string = string, Data = unknown> {
  type: Type;
  /** The entity's id. */
  subject: string;
  /** The entity's version after this change. */
  version: number;
  /** Fits the contract's schema for `type`, or the transaction fails. */
  data: Data;
  /** The user whose personal data this is. The event is deleted when that user is erased. */
  about?: string;
  /** Deletes the event once it is published, so that no replay repeats it. For secrets such as mailed tokens. */
  confidential?: boolean;
}

export interface NewFeedEntry<Type extends string = string, Data = unknown> {
  type: Type;
  data: Data;
  /** A UUIDv7. Default: a new one. */
  id?: string;
  /** Fields with personal data of someone other than the reader. */
  personal?: PersonalFields;
}

/** Fields of an entry's `data` that become null when this person is erased. The contract must allow that. */
export interface PersonalFields {
  userId: string;
  fields: readonly string[];
}

/** An entry of a feed. `seq` counts from 1 for each user, without gaps, in the order of commits. */
export interface FeedEntry {
  userId: string;
  seq: number;
  cursor: string;
  type: string;
  id: string;
  /** RFC 3339, UTC. */
  time: string;
  data: unknown;
}

/** Correlates what one request causes. Every event that the work publishes carries it. */
export interface Cause {
  correlationId: string;
  causationId?: string;
  traceparent?: string;
}

export interface RunOptions {
  /** Users for whom the work writes. Their locks are taken in sorted order before it starts, which rules out deadlocks. */
  users?: readonly string[];
  cause?: Cause;
  /**
   * Whether to refuse the work while too many events wait for the broker. Default true. `false` is for work that completes
   * something that already happened outside and can't be refused any more, and for work that lets people in or ends their
   * access, where a refusal does more harm than an event and other limits bound what is published.
   */
  admit?: boolean;
}

/** Identifies an operation that runs at most once: by the HTTP header `Idempotency-Key` or the `commandId` of a command. */
export interface OnceOptions extends RunOptions {
  userId: string;
  operation: string;
  key: string;
  /** The same key with another input is refused as `idempotency-key-reused`. */
  input: unknown;
}

/** What the work of `once` returns. */
export interface OnceWork<Recorded, Result> {
  /** Is kept for repeats, as JSON. */
  record: Recorded;
  /** Is handed to the caller of this run only, as it is. */
  result: Result;
}

/** Whether the work ran for this call, and what it returned; else what was recorded by the run before. */
export type OnceOutcome<Recorded, Result> =
  | { ran: true; result: Result }
  | { ran: false; recorded: Recorded };

export interface UnitOfWork<Db extends RawClient, C extends ServiceContract = ServiceContract> {
  /**
   * Runs `work` in one transaction: what it changes, publishes and feeds commits together or not at all.
   * Deadlocks and serialization failures rerun it, at most three times, so it must have no effects of its own.
   *
   * Throws `service-overloaded` while too many events wait for the broker, unless `admit` is `false`.
   */
  readonly run: <T>(work: (tx: Tx<Db, C>) => Promise<T>, options?: RunOptions) => Promise<T>;

  /**
   * `run`, at most once per (user, operation, key) within 24 hours. A repeat gets what the first run recorded. A permanent
   * `AppError` is recorded too, and thrown again.
   *
   * Throws `request-in-progress` while the first one runs and `idempotency-key-reused` for another input.
   */
  readonly once: <Recorded, Result>(
    options: OnceOptions,
    work: (tx: Tx<Db, C>) => Promise<OnceWork<Recorded, Result>>,
  ) => Promise<OnceOutcome<Recorded, Result>>;

  /** Reads in one snapshot; `asOf` is the cursor of the user's feed that the answer reflects. */
  readAsOf<T>(userId: string, read: (db: Db) => Promise<T>): Promise<{ value: T; asOf: string }>;

  /**
   * Requests the entities of this service once more, for example because a new build keeps more of their fields. The copy
   * stays in use meanwhile. To be called before consuming starts. Resolves to false if the service has not sent yet what
   * was requested before.
   */
  requestCopyAgain(service: string): Promise<boolean>;
}

/** Reads feeds from the database. */
export interface FeedReader {
  /** The position of the newest entry. Its `seq` is 0 for a user without entries. */
  head(userId: string): Promise<FeedPosition>;
  /** The heads of many users. Users without a feed are left out. */
  heads(userIds: readonly string[]): Promise<Map<string, FeedPosition>>;
  /** At most `limit` entries above `after`, oldest first, and the head in the same snapshot. */
  read(userId: string, after: number, limit: number): Promise<{ entries: FeedEntry[]; head: FeedPosition }>;
  /** The `seq` before the oldest entry that is kept: the feed has all entries above it. */
  floor(userId: string): Promise<number>;
  /**
   * Where a cursor points in the user's feed, or why it can't be followed: it is unreadable or ahead of the head
   * (`unknown`), of another epoch (`epoch`), or older than what is kept (`too-old`).
   */
  resolve(userId: string, cursor: string): Promise<FeedPlace>;
  /**
   * Answers many questions with one statement, in their order. Each answer has the place that `resolve` returns and the
   * entries that `read` returns. It has no entries if the cursor can't be followed or `from` is missing.
   */
  readMany(questions: readonly FeedQuestion[], most: MostOfEach): Promise<FeedAnswer[]>;
  /** Whether two valid cursors of one user's feed are of the same epoch, so that their numbers mean the same entries. */
  sameEpoch(a: string, b: string): boolean;
}

/** Where a cursor points in a feed, or why it can't be followed. */
export type FeedPlace =
  | { ok: true; seq: number; head: FeedPosition }
  | { ok: false; reason: 'unknown' | 'epoch' | 'too-old'; head: FeedPosition };

export interface FeedQuestion {
  userId: string;
  /** A cursor from a client, or a `seq` that is known to be of this feed. Missing: only the head is read. */
  from?: string | number;
}

/** How much of each feed one statement reads at most. It reads at least one entry, and no more once `bytes` are reached. */
export interface MostOfEach {
  entries: number;
  bytes: number;
}

export interface FeedAnswer {
  place: FeedPlace;
  entries: FeedEntry[];
}

export interface FeedPosition {
  seq: number;
  cursor: string;
}

/** Where the current state of entities comes from, for services whose copies start late. */
export type SnapshotSource<Db, C extends ServiceContract = ServiceContract> = {
  [Type in keyof C['emits'] & string]: {
    /** `user.snapshot`; in the contract's `emits`. */
    type: Type;
    /** At most `limit` entities with an id above `after`, in the order of ids, in their present state, with tombstones. */
    page(db: Db, after: string | undefined, limit: number): Promise<EntityState<Static<C['emits'][Type]>>[]>;
  };
}[keyof C['emits'] & string];

export interface EntityState<Data = unknown> {
  /** The entity's id. */
  subject: string;
  version: number;
  data: Data;
}

/**
 * Handles one event type. `project` and `react` make handlers with typed data; once made, all have this shape, whatever
 * their type. `Transaction` is what `handle` needs of a transaction.
 */
export interface EventHandler<Transaction = never> {
  /**
   * `project`: keeps a version-guarded copy, and must come out the same whatever is repeated, late or out of order. A
   * replay of copies runs these only. `react`: has effects, such as notifications, mail and commands.
   */
  readonly kind: 'project' | 'react';
  readonly type: string;
  /** What `data` must fit, apart from fields that this build doesn't know. */
  readonly schema: TSchema;
  /** Users for whom the handler writes. Their locks are taken for the whole batch, in sorted order, before any handler. */
  readonly users?: ((event: DomainEvent) => readonly string[]) | undefined;
  /** Throws `PermanentError` if no retry can help. Any other error is temporary. */
  readonly handle: (tx: Transaction, event: DomainEvent) => Promise<void>;
}
