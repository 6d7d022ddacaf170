import type { FeedEntry } from '@warren/unit-of-work';
import type { UserListener } from '../api.js';
import type { NodePushes } from '../node-pushes.js';
import type { FeedSocket } from './feed-socket.js';
import { sweepSlots } from './sweep.js';
import { type FeedContext, UserFeed } from './user-feed.js';

/** The users who are connected here, and their feeds. */
export class Hub {
  readonly #users = new Map<string, UserFeed>();
  readonly #context: FeedContext;
  readonly #pushes: NodePushes;
  readonly #listener: UserListener | undefined;
  #nextSlot = 0;

  constructor(context: FeedContext, pushes: NodePushes, listener?: UserListener) {
    this.#context = context;
    this.#pushes = pushes;
    this.#listener = listener;
  }

  get userCount(): number {
    return this.#users.size;
  }

  userIds(): string[] {
    return [...this.#users.keys()];
  }

  users(): Iterable<UserFeed> {
    return this.#users.values();
  }

  /** The number of sockets of this user. */
  socketsOf(userId: string): number {
    return this.#users.get(userId)?.sockets.size ?? 0;
  }

  join(userId: string, socket: FeedSocket): UserFeed {
    let user = this.#users.get(userId);
    if (!user) {
      const following = this.#pushes.follow(userId, (entry) => this.push(entry));
      user = new UserFeed(userId, this.#nextSlot, following, this.#context);
      this.#nextSlot = (this.#nextSlot + 1) % sweepSlots;
      this.#users.set(userId, user);
      this.#listener?.joined(userId);
    }
    user.sockets.add(socket);
    return user;
  }

  leave(userId: string, socket: FeedSocket): void {
    socket.stopWatching();
    const user = this.#users.get(userId);
    if (!user?.sockets.delete(socket) || user.sockets.size > 0) return;
    user.close();
    this.#users.delete(userId);
    this.#pushes.unfollow(userId);
    this.#listener?.left(userId);
  }

  /**
   * Pushes an entry to its user's sockets, if there are any.
   *
   * Never throws: an entry that can't be pushed is still in the feed, and the sweep finds it.
   */
  push(entry: FeedEntry): void {
    const user = this.#users.get(entry.userId);
    if (!user) return;
    try {
      user.push(entry);
    } catch (error) {
      this.#context.log.error(
        { err: error, userId: entry.userId, seq: entry.seq },
        'could not push a feed entry',
      );
    }
  }
}
