import type { Cause, NewEvent, NewFeedEntry, PersonalFields, TxEffects } from '../api.js';
import type { OnceRecord } from '../once/record.js';
import type { Serializer } from './serializer.js';

/** An event on its way to the outbox: a whole CloudEvent in `body`. */
export interface OutboxRow {
  id: string;
  type: string;
  body: string;
}

/** A row as it is written. */
export interface NewOutboxRow extends OutboxRow {
  about?: string | undefined;
  confidential: boolean;
}

/** An entry on its way to a feed, with `data` as JSON text. */
export interface PendingEntry {
  userId: string;
  type: string;
  id: string;
  data: string;
  personal?: PersonalFields | undefined;
}

/** The members of `TxEffects` that write nothing before the commit. */
export type CollectedEffects = Pick<TxEffects, 'publish' | 'feed' | 'erase'>;

/** Rows that mark the work as done, in the same transaction. */
export interface Marks {
  /** The events that this transaction handles. */
  inbox?: { consumer: string; eventIds: readonly string[] };
  /** A suspect that this transaction clears. */
  finished?: { consumer: string; suspect: string };
  /** The record of an operation that happens once. */
  record?: OnceRecord;
}

/**
 * Collects what one transaction publishes and feeds. It serializes each at once, so later changes to the work's objects
 * are not published. If the transaction fails, its effects are dropped.
 */
export class Effects {
  events: NewOutboxRow[] = [];
  entries: PendingEntry[] = [];
  /** Users whom this transaction erases. */
  readonly erased = new Set<string>();
  readonly marks: Marks = {};
  /** The epoch of this service's entities. The final statement checks that it still holds. */
  readonly entityEpoch: number;
  readonly #serializer: Serializer;
  #sealed = false;

  constructor(serializer: Serializer, entityEpoch: number) {
    this.#serializer = serializer;
    this.entityEpoch = entityEpoch;
  }

  /** The part that a handler sees. The events that it publishes carry `cause`. */
  causedBy(cause: Cause): CollectedEffects {
    return {
      publish: (event: NewEvent) => {
        this.#refuseLate();
        this.#refuseErased(event.about);
        const { about, confidential = false } = event;
        this.events.push({ ...this.#serializer.event(event, this.entityEpoch, cause), about, confidential });
      },
      feed: (userId: string, entry: NewFeedEntry) => {
        this.#refuseLate();
        this.#refuseErased(userId);
        this.#refuseErased(entry.personal?.userId);
        this.entries.push(this.#serializer.entry(userId, entry));
      },
      erase: (userId: string) => {
        this.#refuseLate();
        this.erased.add(userId);
        this.events = this.events.filter(({ about }) => about !== userId);
        this.entries = this.entries
          .filter((entry) => entry.userId !== userId)
          .map((entry) =>
            entry.personal?.userId === userId ? withoutPersonal(entry, entry.personal) : entry,
          );
      },
    };
  }

  /** Refuses further effects: they would be lost without an error. */
  seal(): void {
    this.#sealed = true;
  }

  #refuseErased(userId: string | undefined): void {
    if (userId !== undefined && this.erased.has(userId))
      throw new Error('Nothing can be written for a user who is erased in the same transaction');
  }

  #refuseLate(): void {
    if (this.#sealed) throw new Error('The transaction has ended: a handler must await all its work');
  }
}

function withoutPersonal({ personal: _, ...entry }: PendingEntry, { fields }: PersonalFields): PendingEntry {
  const data: Record<string, unknown> = JSON.parse(entry.data);
  for (const field of fields) data[field] = null;
  return { ...entry, data: JSON.stringify(data) };
}
