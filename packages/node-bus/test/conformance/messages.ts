import { expect } from '@jest/globals';
import { eventually } from '@warren/testing';
import { type Rule, record } from './rule.js';

/** What is sent to keys. */
export const messageRules: readonly Rule[] = [
  {
    id: 'followers',
    promise: 'a message reaches every other node that follows its key, and does not come back to its sender',
    async run({ service, connect }) {
      const [sender, second, third] = [await connect(), await connect(), await connect()];
      const key = `${service}/user:1`;
      const got = [await record(sender, key), await record(second, key), await record(third, key)];
      sender.send(key, { text: 'Grüße', list: [1, null] });
      await eventually(() => expect(got).toEqual([[], [first], [first]]));
      second.send(key, 'last');
      await eventually(() => expect(got).toEqual([['last'], [first], [first, 'last']]));
    },
  },
  {
    id: 'own-service',
    promise:
      'a message reaches nodes of its service only: nodes of other services do not even look up its key',
    async run({ fixture, service, type, connect }) {
      const [sender, peer] = [await connect(), await connect()];
      const strangers = [`${service}-b`, `${service}x`];
      const others = await Promise.all(strangers.map((other) => fixture.connect(other, type)));
      const heard: unknown[] = [];
      for (const [index, other] of others.entries())
        other.hear(`${strangers[index]}/topic`, (message) => void heard.push(message));
      const got = await record(peer, `${service}/user:1`);
      const topics: unknown[] = [];
      peer.hear(`${service}/topic`, (message) => void topics.push(message));
      sender.send(`${service}/user:1`, 1);
      sender.send(`${service}/user:2`, 2);
      sender.announce(`${service}/topic`, 3);
      await eventually(() => expect([got, topics, peer.stats().wasted]).toEqual([[1], [3], 1]));
      // What could have come to the others before has come once they hear each other's and their own messages.
      for (const [index, other] of others.entries()) {
        const twin = await fixture.connect(strangers[index] ?? '', type);
        const own = await record(other, `${strangers[index]}/user:1`);
        await eventually(() => {
          twin.send(`${strangers[index]}/user:1`, 'own');
          expect(own).toContain('own');
        });
        expect(other.stats().wasted).toBe(0);
      }
      expect(heard).toEqual([]);
    },
  },
  {
    id: 'look-ups',
    promise: 'look-ups of keys that a node follows, and of those that it does not follow, are counted',
    async run({ service, connect }) {
      const [sender, node] = [await connect(), await connect()];
      const got = await record(node, `${service}/user:1`);
      for (const user of [1, 2, 3]) sender.send(`${service}/user:${user}`, user);
      await eventually(() => expect(node.stats()).toMatchObject({ useful: 1, wasted: 2 }));
      expect(got).toEqual([1]);
    },
  },
  {
    id: 'unfollow',
    promise:
      'a node that unfollows a key gets nothing more, and the newest listener of a key gets its messages',
    async run({ service, connect }) {
      const [sender, node] = [await connect(), await connect()];
      const [left, kept] = [`${service}/user:1`, `${service}/user:2`];
      const [ofLeft, replaced] = [await record(node, left), await record(node, kept)];
      const newest = await record(node, kept);
      node.unfollow(left);
      sender.send(left, 1);
      sender.send(kept, 2);
      await eventually(() => expect(newest).toEqual([2]));
      expect([ofLeft, replaced]).toEqual([[], []]);
    },
  },
  {
    id: 'order',
    promise: 'many messages of one turn come complete and in the order in which one node sent them',
    async run({ service, connect }) {
      const [sender, node] = [await connect(), await connect()];
      const key = `${service}/user:1`;
      const got = await record(node, key);
      const sent = Array.from({ length: 250 }, (_, index) => ({ index, text: 'x'.repeat(4_000) }));
      for (const message of sent) sender.send(key, message);
      await eventually(() => expect(got).toEqual(sent));
    },
  },
  {
    id: 'unsendable',
    promise: 'what JSON can not carry is dropped and counted, and neither call throws',
    async run({ service, connect }) {
      const [sender, node] = [await connect(), await connect()];
      const circular: Record<string, unknown> = {};
      circular.self = circular;
      const got = await record(node, `${service}/user:1`);
      sender.send(`${service}/user:1`, circular);
      sender.announce(`${service}/topic`, circular);
      sender.send(`${service}/user:1`, 'next');
      await eventually(() => expect(got).toEqual(['next']));
      expect(sender.stats().dropped).toBe(2);
      expect(sender.state).toBe('up');
    },
  },
  {
    id: 'foreign-key',
    promise:
      'keys and topics of another service are refused where they are followed, and dropped where they are sent',
    async run({ service, connect }) {
      const node = await connect();
      const foreign = `${service}-other/user:1`;
      expect(() => void node.follow(foreign, () => undefined)).toThrow(RangeError);
      expect(() => node.hear(foreign, () => undefined)).toThrow(RangeError);
      node.send(foreign, 1);
      node.announce(foreign, 1);
      expect(node.stats().dropped).toBe(2);
    },
  },
];

const first = { text: 'Grüße', list: [1, null] };
