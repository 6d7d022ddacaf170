import { type DomainEvent, replayMessageOf } from '@warren/contracts';
import type { Cause, EventHandler, RawClient } from '../api.js';
import type { SourceEpochs } from '../epoch/epochs.js';
import { isLockTimeout } from '../failures.js';
import type { Effects } from '../transaction/effects.js';
import { userLockKeys } from '../transaction/locks.js';
import { joinTx } from '../transaction/tx.js';
import { awaitUserLocks, openBatch } from './inbox.js';

export interface WorkOptions {
  /** Only for the locks of this one's users is waited; for those of others the work is refused as `busy`. */
  patientFor?: DomainEvent | undefined;
  /** Longest wait for any lock, in milliseconds. */
  lockWaitMs: number;
}

export interface WorkDone {
  /** Not handled, since others hold the locks of their users. */
  busy: DomainEvent[];
  /** How many the inbox knew. */
  duplicates: number;
  /** How many of those handled are parts of a replay. */
  replayed: number;
  /** Sources that began an epoch of their entities. */
  risen: ReadonlyMap<string, number>;
}

/** The locks of the users of `patientFor` were waited for and not free in time. */
export class InVain extends Error {
  override readonly name = 'InVain';
}

/** What happens with events inside one transaction: locks, inbox, handlers. */
export type Work<Db extends RawClient> = (
  db: Db,
  effects: Effects,
  events: readonly DomainEvent[],
  options: WorkOptions,
) => Promise<WorkDone>;

export function createWork<Db extends RawClient>(
  service: string,
  allHandlers: readonly EventHandler<Db>[],
  sources: SourceEpochs,
): Work<Db> {
  const handlers = byType(allHandlers);

  /** A replay repeats what an event says, never what it once caused. */
  function handlersOf(event: DomainEvent): EventHandler<Db>[] {
    const all = handlers.get(replayMessageOf(event.type) ?? event.type) ?? [];
    return isReplayed(event) ? all.filter(({ kind }) => kind === 'project') : all;
  }

  function lockKeysOf(event: DomainEvent): string[] {
    return userLockKeys(handlersOf(event).flatMap((handler) => [...(handler.users?.(event) ?? [])]));
  }

  return async (db, effects, events, { patientFor, lockWaitMs }) => {
    const keys = new Map(events.map((event) => [event, lockKeysOf(event)]));
    if (patientFor) await waitFor(db, keys.get(patientFor) ?? [], lockWaitMs);
    const { handled, held } = await openBatch(db, {
      consumer: service,
      eventIds: events.filter((event) => !isReplayed(event)).map((event) => event.id),
      userKeys: [...new Set([...keys.values()].flat())],
      lockWaitMs,
    });
    const busy: DomainEvent[] = [];
    const eventIds: string[] = [];
    let replayed = 0;
    for (const event of events) {
      if (handled.has(event.id) && !isReplayed(event)) continue;
      if (keys.get(event)?.some((key) => held.has(key))) {
        busy.push(event);
        continue;
      }
      const tx = joinTx(db, effects.causedBy(causeOf(event)));
      for (const handler of handlersOf(event)) await handler.handle(tx, event);
      if (isReplayed(event)) replayed += 1;
      else eventIds.push(event.id);
    }
    if (eventIds.length > 0) effects.marks.inbox = { consumer: service, eventIds };
    return { busy, duplicates: handled.size, replayed, risen: await sources.note(db, events) };
  };
}

async function waitFor(db: RawClient, userKeys: readonly string[], lockWaitMs: number): Promise<void> {
  if (userKeys.length === 0) return;
  try {
    await awaitUserLocks(db, userKeys, lockWaitMs);
  } catch (error) {
    throw isLockTimeout(error) ? new InVain('Locks of users were not free in time', { cause: error }) : error;
  }
}

export const isReplayed = ({ replayid }: DomainEvent): boolean => replayid !== undefined;

function byType<Db>(handlers: readonly EventHandler<Db>[]): Map<string, EventHandler<Db>[]> {
  const types = new Map<string, EventHandler<Db>[]>();
  for (const handler of handlers) types.set(handler.type, [...(types.get(handler.type) ?? []), handler]);
  return types;
}

function causeOf({ correlationid, id, traceparent }: DomainEvent): Cause {
  return { correlationId: correlationid, causationId: id, ...(traceparent !== undefined && { traceparent }) };
}
