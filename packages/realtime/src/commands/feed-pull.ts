import { AppError } from '@warren/contracts';
import type { FeedEntry, FeedReader } from '@warren/unit-of-work';
import { feedTimeout, maxCursorLength, maxPullLimit, pageSize } from '../limits/defaults.js';
import { withDeadline } from '../timing.js';
import type { Answer, RunnableCommand } from './command.js';
import { invalid } from './packet.js';

interface PullInput {
  after: string | undefined;
  limit: number;
}

/**
 * Reads a client's own feed at its own pace. The pull that reaches the head returns a socket that was behind to
 * live, in the same step as its answer.
 */
export function feedPull(feeds: FeedReader, answerBytes: number): RunnableCommand {
  return {
    name: 'feed.pull',
    run: async (input, { principal }, socket) => {
      const { after, limit } = readPull(input);
      const from = await startOf(feeds, principal.userId, after);
      const { entries, head } = await reachable(feeds.read(principal.userId, from, limit));
      const first = entries[0]?.seq ?? head.seq + 1;
      if (after !== undefined && first > from + 1) throw new AppError('cursor-too-old');
      const fitting = withinBytes(entries, answerBytes);
      const last = fitting.at(-1)?.seq ?? from;
      const answer: Answer = { data: { entries: fitting.map(toWire), head: head.cursor } };
      return last < head.seq ? answer : { ...answer, afterwards: () => socket.returnToLive(head) };
    },
  };
}

function readPull({ after, limit = pageSize }: Record<string, unknown>): PullInput {
  if (after !== undefined && typeof after !== 'string') throw invalid('/after', 'type');
  if (typeof limit !== 'number' || !Number.isInteger(limit)) throw invalid('/limit', 'type');
  if (limit < 1) throw invalid('/limit', 'minimum');
  return { after, limit: Math.min(limit, maxPullLimit) };
}

async function startOf(feeds: FeedReader, userId: string, cursor: string | undefined): Promise<number> {
  if (cursor === undefined) return reachable(feeds.floor(userId));
  if (cursor === '' || cursor.length > maxCursorLength) throw new AppError('invalid-cursor');
  const found = await reachable(feeds.resolve(userId, cursor));
  if (found.ok) return found.seq;
  throw new AppError(found.reason === 'too-old' ? 'cursor-too-old' : 'invalid-cursor');
}

/** As many as fit, and at least one. */
function withinBytes(entries: readonly FeedEntry[], budget: number): readonly FeedEntry[] {
  let bytes = 0;
  const tooMany = entries.findIndex((entry, i) => {
    bytes += Buffer.byteLength(JSON.stringify(entry.data) ?? '');
    return bytes > budget && i > 0;
  });
  return tooMany < 0 ? entries : entries.slice(0, tooMany);
}

function toWire({ type, data, seq, cursor, id, time }: FeedEntry): Omit<FeedEntry, 'userId'> {
  return { type, data, seq, cursor, id, time };
}

function reachable<T>(read: Promise<T>): Promise<T> {
  return withDeadline(read, feedTimeout, 'reading a feed').catch((cause: unknown) => {
    throw new AppError('service-unavailable', { cause });
  });
}
