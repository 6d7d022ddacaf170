import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import type { Presence } from '@warren/user-contract';
import { pino } from 'pino';
import { mostWatchedBySocket, mostWatchedByUser, PresenceWatchers } from '../src/commands/watchers.js';
import type { UserSocket } from '../src/context.js';

/** A socket that can be too slow to receive anything. */
class TestSocket implements UserSocket {
  slow = false;
  readonly told: boolean[] = [];
  #leave = () => {};

  tell(_event: string, data: Presence): boolean {
    if (!this.slow) this.told.push(data.online);
    return !this.slow;
  }

  onLeave(listener: () => void): void {
    this.#leave = listener;
  }

  leave(): void {
    this.#leave();
  }
}

describe('a watcher of presence', () => {
  const bob = randomUUID();
  const ann = randomUUID();
  let online: boolean;
  let reads: number;
  let watchers: PresenceWatchers;
  beforeEach(() => {
    online = false;
    reads = 0;
    watchers = new PresenceWatchers({
      read: async (userIds) => {
        reads += 1;
        return userIds.map((userId) => ({ userId, online, lastSeenAt: null }));
      },
      log: pino({ level: 'silent' }),
    });
  });
  afterEach(() => watchers.stop());

  const looked = async () => {
    const before = reads;
    watchers.refresh([bob]);
    await eventually(() => expect(reads).toBeGreaterThan(before));
    await watchers.stop(); // Waits for what is told.
  };

  it('that was too slow gets a change once with a later refresh, and others get nothing again', async () => {
    const [slow, quick] = [new TestSocket(), new TestSocket()];
    for (const socket of [slow, quick]) await watchers.watch(socket, ann, [bob]);
    await looked();
    slow.slow = true;
    online = true;
    await looked();
    await looked();
    expect([slow.told, quick.told]).toEqual([[], [true]]);
    slow.slow = false;
    await looked();
    await looked();
    expect([slow.told, quick.told]).toEqual([[true], [true]]);
  });

  it('that was too slow gets the current state, not an outdated one', async () => {
    const slow = new TestSocket();
    await watchers.watch(slow, ann, [bob]);
    await looked();
    slow.slow = true;
    online = true;
    await looked();
    online = false;
    slow.slow = false;
    await looked();
    await looked();
    expect(slow.told).toEqual([false]);
  });

  it('is limited over all of its sockets, and has room again when one leaves', async () => {
    const some = (count: number) => Array.from({ length: count }, () => randomUUID());
    const sockets = Array.from({ length: mostWatchedByUser / mostWatchedBySocket }, () => new TestSocket());
    for (const socket of sockets) await watchers.watch(socket, ann, some(mostWatchedBySocket));
    const another = new TestSocket();
    await expect(watchers.watch(another, ann, some(1))).rejects.toMatchObject({ code: 'invalid-request' });
    expect(await watchers.watch(new TestSocket(), bob, some(1))).toHaveLength(1);
    sockets[0]?.leave();
    expect(await watchers.watch(another, ann, some(1))).toHaveLength(1);
  });
});
