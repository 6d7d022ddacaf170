import type { FeedEntry, FeedPosition } from '@warren/unit-of-work';
import type { Counters } from '../stats.js';
import type { FeedSocket } from './feed-socket.js';

/** One read of a feed, and what was known when it was asked for. */
export interface Page {
  after: number;
  entries: readonly FeedEntry[];
  head: FeedPosition;
  /** The highest `seq` known when the read was issued. */
  known: number;
  /** What the waiting sockets had been sent by then. */
  sentBefore: ReadonlyMap<FeedSocket, number>;
}

/** Gives a waiting socket what it misses of a page, or resets it where the feed can't fill its gap. */
export function applyPage(socket: FeedSocket, page: Page, counters: Counters): void {
  socket.doubted = false;
  const before = page.sentBefore.get(socket) ?? socket.sent;
  if (page.head.seq < before || socket.isElsewhere(page.head)) {
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
    if (!socket.take(entry)) return;
    counters.entriesSent++;
  }
}

/** What comes next for this socket was thrown away while it was catching up. */
function isPruned(socket: FeedSocket, { after, entries, head }: Page): boolean {
  if (socket.sent < after) return false;
  const next = entries.find((entry) => entry.seq > socket.sent);
  if (next) return next.seq > socket.sent + 1;
  return entries.length === 0 && head.seq > socket.sent;
}
