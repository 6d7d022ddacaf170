import type { FeedEntry, FeedPosition } from '@warren/unit-of-work';
import type { Counters } from '../stats.js';
import type { FeedSocket } from './feed-socket.js';

/** A page of a feed that was read for the sockets that wait for entries. */
export interface Page {
  /** The `seq` after which it was read. */
  after: number;
  entries: readonly FeedEntry[];
  head: FeedPosition;
  /** The highest `seq` that was known when the read began. */
  known: number;
  /** What each waiting socket had been sent when the read began. */
  sentBefore: ReadonlyMap<FeedSocket, number>;
}

/** Sends a waiting socket the entries that it misses, or resets it if the feed no longer has them. */
export function applyPage(socket: FeedSocket, page: Page, counters: Counters): void {
  socket.epochInDoubt = false;
  const before = page.sentBefore.get(socket) ?? socket.sent;
  if (page.head.seq < before || socket.isOtherEpoch(page.head)) {
    counters.resets.epoch++;
    socket.reset(page.head, 'epoch');
    return;
  }
  if (isPruned(socket, page)) {
    counters.resets['too-old']++;
    socket.reset(page.head, 'too-old');
    return;
  }
  for (const entry of page.entries) {
    if (entry.seq <= socket.sent) continue;
    if (!socket.send(entry)) return;
    counters.entriesSent++;
  }
}

/** Whether the next entry of this socket was deleted while the socket caught up. */
function isPruned(socket: FeedSocket, { after, entries, head }: Page): boolean {
  if (socket.sent < after) return false;
  const next = entries.find((entry) => entry.seq > socket.sent);
  if (next) return next.seq > socket.sent + 1;
  return entries.length === 0 && head.seq > socket.sent;
}
