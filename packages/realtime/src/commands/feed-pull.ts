import { AppError } from '@warren/contracts';
import { withDeadline } from '@warren/timing';
import type { FeedEntry, FeedReader } from '@warren/unit-of-work';
import { feedTimeoutMs, maxCursorLength, maxPullLimit, pageSize } from '../limits/limits.js';
import type { ConnectedSocket } from '../sockets/connected-socket.js';
import type { Answer, RunnableCommand } from './command.js';
import { invalid } from './packet.js';
import type { Pulled, PullQueue } from './pull-queue.js';

interface PullInput {
  after: string | undefined;
  limit: number;
}

/**
 * `feed.pull`: a client reads its own feed at its own pace. When a pull of a socket that was behind reaches the head, the
 * socket becomes live again in the same turn of the event loop as its answer.
 */
export function feedPull(feeds: FeedReader, queue: PullQueue, answerBytes: number): RunnableCommand {
  return {
    name: 'feed.pull',
    run: async (input, { principal: { userId } }, socket) => {
      const pull = readPull(input);
      return queue.run(userId, async () => {
        // Nobody is left to read the answer.
        if (socket.left) throw new AppError('service-unavailable');
        return await readFeed(feeds, socket, { ...pull, userId, answerBytes });
      });
    },
  };
}

async function readFeed(
  feeds: FeedReader,
  socket: ConnectedSocket,
  { userId, after, limit, answerBytes }: PullInput & { userId: string; answerBytes: number },
): Promise<Pulled<Answer>> {
  const from = await startOf(feeds, userId, after);
  const most = { entries: limit, bytes: answerBytes };
  const [read] = await reachable(feeds.readMany([{ userId, from }], most));
  if (!read) throw new Error('The feed reader returned no answer');
  const { head } = read.place;
  const first = read.entries[0]?.seq ?? head.seq + 1;
  if (after !== undefined && first > from + 1) throw new AppError('cursor-too-old');
  const { entries, bytes } = withinBytes(read.entries, answerBytes);
  const last = entries.at(-1)?.seq ?? from;
  const answer: Answer = { data: { entries: entries.map(toWire), head: head.cursor } };
  if (last >= head.seq) answer.afterwards = () => socket.returnToLive(head);
  // A pull that returns nothing still costs something.
  return { value: answer, cost: Math.max(1, entries.length, bytes / 1024) };
}

function readPull({ after, limit = pageSize }: Record<string, unknown>): PullInput {
  if (after !== undefined && typeof after !== 'string') throw invalid('/after', 'type');
  if (typeof limit !== 'number' || !Number.isInteger(limit)) throw invalid('/limit', 'type');
  if (limit < 1) throw invalid('/limit', 'minimum');
  return { after, limit: Math.min(limit, maxPullLimit) };
}

/** The number after which the pull reads: that of its cursor or, without one, the one before the oldest entry kept. */
async function startOf(feeds: FeedReader, userId: string, cursor: string | undefined): Promise<number> {
  if (cursor === undefined) return reachable(feeds.floor(userId));
  if (cursor === '' || cursor.length > maxCursorLength) throw new AppError('invalid-cursor');
  const found = await reachable(feeds.resolve(userId, cursor));
  if (found.ok) return found.seq;
  throw new AppError(found.reason === 'too-old' ? 'cursor-too-old' : 'invalid-cursor');
}

/** The first entries whose data fits into `budget` bytes, at least one, and the bytes of their data. */
function withinBytes(entries: readonly FeedEntry[], budget: number): { entries: FeedEntry[]; bytes: number } {
  const fitting: FeedEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const more = Buffer.byteLength(JSON.stringify(entry.data) ?? '');
    if (fitting.length > 0 && bytes + more > budget) break;
    fitting.push(entry);
    bytes += more;
  }
  return { entries: fitting, bytes };
}

function toWire({ type, data, seq, cursor, id, time }: FeedEntry): Omit<FeedEntry, 'userId'> {
  return { type, data, seq, cursor, id, time };
}

/** Turns a read that fails or takes too long into `service-unavailable`. */
function reachable<T>(read: Promise<T>): Promise<T> {
  return withDeadline(read, feedTimeoutMs, 'reading a feed took too long').catch((cause: unknown) => {
    throw new AppError('service-unavailable', { cause });
  });
}
