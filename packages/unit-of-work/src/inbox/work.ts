import { type DomainEvent, replayMessageOf } from '@warren/contracts';
import type { Cause, EventHandler, RawClient, Tx } from '../api.js';
import type { SourceEpochs } from '../epoch/epochs.js';
import { isLockTimeout } from '../failures.js';
import type { Schema } from '../schema/schema.js';
import type { Effects } from '../transaction/effects.js';
import { takeUserLocks, tryUserLocks, userLockKeys } from '../transaction/locks.js';
import { joinTx } from '../transaction/tx.js';

export interface WorkOptions {
  /** The transaction waits for the locks of this event's users. An event whose other users' locks are held is `busy`. */
  patientFor?: DomainEvent | undefined;
  /** How long to wait at most for any lock, in milliseconds. */
  lockWaitMs: number;
}

export interface WorkDone {
  /** Events that were not handled, since other transactions hold the locks of their users. */
  busy: DomainEvent[];
  /** How many events the inbox had already. */
  duplicates: number;
  /** How many of the handled events are parts of a replay. */
  replayed: number;
  /** The new epochs of sources that began one. */
  risen: ReadonlyMap<string, number>;
}

/** The locks of the users of `patientFor` were not free within `lockWaitMs`. */
export class UsersLocked extends Error {
  override readonly name = 'UsersLocked';
}

/** Handles events within one transaction: takes locks, checks the inbox and calls the handlers. */
export type Work<Db extends RawClient> = (
  db: Db,
  effects: Effects,
  events: readonly DomainEvent[],
  options: WorkOptions,
) => Promise<WorkDone>;

export function createWork<Db extends RawClient>(
  service: string,
  schema: Schema,
  allHandlers: readonly EventHandler<Tx<Db>>[],
  sources: SourceEpochs,
): Work<Db> {
  const handlers = byType(allHandlers);
  const opening = openingIn(schema);

  /** A part of a replay updates copies only: it must not repeat effects. */
  function handlersOf(event: DomainEvent): EventHandler<Tx<Db>>[] {
    const all = handlers.get(replayMessageOf(event.type) ?? event.type) ?? [];
    return isReplayed(event) ? all.filter(({ kind }) => kind === 'project') : all;
  }

  function lockKeysOf(event: DomainEvent): string[] {
    return userLockKeys(
      schema,
      handlersOf(event).flatMap((handler) => [...(handler.users?.(event) ?? [])]),
    );
  }

  return async (db, effects, events, { patientFor, lockWaitMs }) => {
    const keys = new Map(events.map((event) => [event, lockKeysOf(event)]));
    if (patientFor) await waitForUserLocks(db, keys.get(patientFor) ?? [], lockWaitMs);
    const eventIdsOfInbox = events.filter((event) => !isReplayed(event)).map((event) => event.id);
    const userKeys = [...new Set([...keys.values()].flat())];
    const [row] = await db.$queryRawUnsafe<OpeningRow[]>(
      opening,
      service,
      eventIdsOfInbox,
      userKeys,
      String(lockWaitMs),
    );
    const [handled, held] = [new Set(row?.handled), new Set(row?.held)];
    const busy: DomainEvent[] = [];
    const eventIds: string[] = [];
    let replayed = 0;
    for (const event of events) {
      if (handled.has(event.id) && !isReplayed(event)) continue;
      if (keys.get(event)?.some((key) => held.has(key))) {
        busy.push(event);
        continue;
      }
      const tx = joinTx(db, schema, effects.causedBy(causeOf(event)));
      for (const handler of handlersOf(event)) await handler.handle(tx, event);
      if (isReplayed(event)) replayed += 1;
      else eventIds.push(event.id);
    }
    if (eventIds.length > 0) effects.marks.inbox = { consumer: service, eventIds };
    return { busy, duplicates: handled.size, replayed, risen: await sources.note(db, events) };
  };
}

interface OpeningRow {
  /** Ids of events that the inbox has. */
  handled: string[];
  /** Keys of the locks that other transactions hold. All others are taken. */
  held: string[];
}

/**
 * The first statement of a consuming transaction: takes the users' locks that are free, looks the events up in the inbox
 * and limits later waits for locks. It waits for no lock, since a transaction that holds locks of many users must not.
 *
 * Its snapshot is older than the locks, so an event may have been handled just before. The insert into the inbox, at the
 * end, then finds that row and reports a lost race.
 */
const openingIn = (schema: Schema) => `
WITH held AS MATERIALIZED (${tryUserLocks('$3')})
SELECT coalesce((SELECT array_agg(k::text) FROM held), '{}') AS held, coalesce(
  (SELECT array_agg(event_id) FROM ${schema}.inbox WHERE consumer = $1 AND event_id = ANY($2::text[])), '{}'
) AS handled, set_config('lock_timeout', $4, true) AS lock_timeout`;

/** To be called first: a transaction that holds no other locks can't deadlock here. Throws `UsersLocked`. */
async function waitForUserLocks(
  db: RawClient,
  userKeys: readonly string[],
  lockWaitMs: number,
): Promise<void> {
  if (userKeys.length === 0) return;
  try {
    await db.$queryRawUnsafe(
      `SELECT set_config('lock_timeout', $1, true) AS lock_timeout`,
      String(lockWaitMs),
    );
    await db.$queryRawUnsafe(takeUserLocks('$1'), userKeys);
  } catch (error) {
    if (!isLockTimeout(error)) throw error;
    throw new UsersLocked('the locks of users were not free in time', { cause: error });
  }
}

export const isReplayed = ({ replayid }: DomainEvent): boolean => replayid !== undefined;

function byType<Db>(handlers: readonly EventHandler<Tx<Db>>[]): Map<string, EventHandler<Tx<Db>>[]> {
  const types = new Map<string, EventHandler<Tx<Db>>[]>();
  for (const handler of handlers) types.set(handler.type, [...(types.get(handler.type) ?? []), handler]);
  return types;
}

function causeOf({ correlationid, id, traceparent }: DomainEvent): Cause {
  return { correlationId: correlationid, causationId: id, ...(traceparent !== undefined && { traceparent }) };
}
