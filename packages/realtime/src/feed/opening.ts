import type { FeedPosition, FeedReader } from '@warren/unit-of-work';
import type { ResetReason } from '../api.js';
import { feedTimeout } from '../limits/defaults.js';
import { withDeadline } from '../timing.js';

/** What a handshake asked for: nothing, a cursor, or something that can't be one. */
export type RequestedCursor = { kind: 'none' } | { kind: 'cursor'; cursor: string } | { kind: 'unreadable' };

/** Where a socket starts. */
export interface Opening {
  head: FeedPosition;
  /** Entries above it are sent. */
  after: FeedPosition;
  resumedFrom: string | null;
  reset: ResetReason | undefined;
}

/**
 * Looks up where a socket starts. Call it only after the socket has joined: what is written between the look-up
 * and a later join would be lost, with no gap to show it.
 *
 * Rejects when the feed can't be read, after 5 s at the latest.
 */
export async function findOpening(
  feeds: FeedReader,
  userId: string,
  requested: RequestedCursor,
): Promise<Opening> {
  if (requested.kind !== 'cursor') {
    const head = await withDeadline(feeds.head(userId), feedTimeout, 'reading a head');
    return fromHead(head, requested.kind === 'none' ? undefined : 'unknown');
  }
  const resolving = feeds.resolve(userId, requested.cursor);
  const found = await withDeadline(resolving, feedTimeout, 'resolving a cursor');
  if (!found.ok) return fromHead(found.head, found.reason);
  const { head, seq } = found;
  return { head, after: { seq, cursor: requested.cursor }, resumedFrom: requested.cursor, reset: undefined };
}

function fromHead(head: FeedPosition, reset: ResetReason | undefined): Opening {
  return { head, after: head, resumedFrom: null, reset };
}
