import { expect } from '@jest/globals';
import { eventually } from '@warren/testing';
import { type Rule, record } from './rule.js';

/** What is announced on topics, and the events that every node hears. */
export const announcementRules: readonly Rule[] = [
  {
    id: 'topics',
    promise: 'an announcement reaches every listener of its topic on every other node, and nobody else',
    async run({ service, connect }) {
      const [sender, second, third] = [await connect(), await connect(), await connect()];
      const got: string[] = [];
      const hear = (node: typeof sender, name: string, topic: string) =>
        node.hear(`${service}/${topic}`, (message) => void got.push(`${name} ${message}`));
      hear(sender, 'sender', 'news');
      hear(second, 'second', 'news');
      hear(second, 'second again', 'news');
      hear(third, 'third', 'other');
      hear(third, 'third', 'news');
      sender.announce(`${service}/news`, 1);
      await eventually(() => expect(got.sort()).toEqual(['second 1', 'second again 1', 'third 1']));
    },
  },
  {
    id: 'events',
    promise: 'every node of every service hears each event of its types once, and events of no other type',
    async run({ fixture, service, type, connect }) {
      const nodes = [await connect(), await connect(), await fixture.connect(`${service}-other`, type)];
      const heard = nodes.map((node) => {
        const bodies: string[] = [];
        node.onEvent((event) => void bodies.push(`${event.type} ${event.body}`));
        return bodies;
      });
      await fixture.publish({ type: `${type}.else`, body: '{}' });
      await fixture.publish({ type, body: '{"n":1}' });
      await fixture.publish({ type, body: '{"n":2}' });
      const expected = [`${type} {"n":1}`, `${type} {"n":2}`];
      await eventually(() => expect(heard).toEqual([expected, expected, expected]));
    },
  },
  {
    id: 'throwing-listener',
    promise: 'a listener that throws keeps no other from its messages',
    async run({ fixture, service, type, connect }) {
      const [sender, node] = [await connect(), await connect()];
      const fail = () => {
        throw new Error('on purpose');
      };
      const got: unknown[] = [];
      await node.follow(`${service}/user:1`, fail);
      const good = await record(node, `${service}/user:2`);
      node.hear(`${service}/topic`, fail);
      node.hear(`${service}/topic`, (message) => void got.push(message));
      node.onEvent(fail);
      node.onEvent((event) => void got.push(event.body));
      sender.send(`${service}/user:1`, 1);
      sender.send(`${service}/user:2`, 2);
      sender.announce(`${service}/topic`, 3);
      await fixture.publish({ type, body: '4' });
      await eventually(() => {
        expect(good).toEqual([2]);
        expect(got.map(String).sort()).toEqual(['3', '4']);
      });
      expect(node.state).toBe('up');
    },
  },
];
