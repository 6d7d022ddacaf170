import type { FeedAnswer, FeedEntry, FeedPosition } from '@warren/unit-of-work';
import type { ResetReason } from '../api.js';
import type { Asking, FeedBatcher } from './feed-batcher.js';

/** What a handshake asked for: nothing, a cursor, or something that can't be one. */
export type RequestedCursor = { kind: 'none' } | { kind: 'cursor'; cursor: string } | { kind: 'unreadable' };

/** Where a socket starts. */
export interface Opening {
  head: FeedPosition;
  /** Entries above it are sent. */
  after: FeedPosition;
  /** The first entries above it, as far as they were read together with it. */
  entries: readonly FeedEntry[];
  resumedFrom: string | null;
  reset: ResetReason | undefined;
}

/**
 * Asks where a socket starts; `openingOf` makes an opening of the answer. Call it only after the socket has joined: what
 * is written between the look-up and a later join would be lost, with no gap to show it.
 */
export function askOpening(feeds: FeedBatcher, userId: string, requested: RequestedCursor): Asking {
  return feeds.ask({ userId, ...(requested.kind === 'cursor' && { from: requested.cursor }) });
}

/** The opening of a socket that asked for `requested` and got this answer. */
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
