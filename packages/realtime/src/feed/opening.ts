import type { FeedAnswer, FeedEntry, FeedPosition } from '@warren/unit-of-work';
import type { ResetReason } from '../stats.js';
import type { FeedBatcher, PendingAnswer } from './feed-batcher.js';

/** The cursor in a handshake: none, one to look up, or a value that can't be a cursor. */
export type RequestedCursor = { kind: 'none' } | { kind: 'cursor'; cursor: string } | { kind: 'malformed' };

/** Where a socket starts in its feed. */
export interface Opening {
  head: FeedPosition;
  /** The socket is sent the entries after this position. */
  after: FeedPosition;
  /** The first of them, as far as they were read together with the head. */
  entries: readonly FeedEntry[];
  resumedFrom: string | null;
  reset: ResetReason | undefined;
}

/**
 * Reads what `openingOf` needs. Call it only after the socket has joined the hub: an entry that is written between the
 * read and a later join would be missed, and no gap would show it.
 */
export function requestOpening(
  feeds: FeedBatcher,
  userId: string,
  requested: RequestedCursor,
): PendingAnswer {
  return feeds.ask({ userId, ...(requested.kind === 'cursor' && { from: requested.cursor }) });
}

/** Where a socket with this cursor starts, by the answer to `requestOpening`. */
export function openingOf({ place, entries }: FeedAnswer, requested: RequestedCursor): Opening {
  const { head } = place;
  if (requested.kind !== 'cursor') return fromHead(head, requested.kind === 'none' ? undefined : 'unknown');
  if (!place.ok) return fromHead(head, place.reason);
  const after = { seq: place.seq, cursor: requested.cursor };
  return { head, after, entries, resumedFrom: requested.cursor, reset: undefined };
}

function fromHead(head: FeedPosition, reset: ResetReason | undefined): Opening {
  return { head, after: head, entries: [], resumedFrom: null, reset };
}
