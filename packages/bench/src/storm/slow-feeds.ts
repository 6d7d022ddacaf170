import { setTimeout as sleep } from 'node:timers/promises';
import type { FeedReader } from '@warren/unit-of-work';

/** The same feeds, but each answer comes `ms` milliseconds after it was true. */
export function slowFeeds(feeds: FeedReader, ms: number): FeedReader {
  const late = async <T>(answer: Promise<T>): Promise<T> => {
    const value = await answer;
    await sleep(ms);
    return value;
  };
  return {
    head: (userId) => late(feeds.head(userId)),
    heads: (userIds) => late(feeds.heads(userIds)),
    read: (userId, after, limit) => late(feeds.read(userId, after, limit)),
    floor: (userId) => late(feeds.floor(userId)),
    readMany: (questions, most) => late(feeds.readMany(questions, most)),
    sameEpoch: feeds.sameEpoch,
    resolve: (userId, cursor) => late(feeds.resolve(userId, cursor)),
  };
}
