import { expect } from '@jest/globals';
import { eventually } from '@warren/testing';
import { type Rule, record } from './rule.js';

/** What happens when a node leaves, or loses its connection. */
export const endingRules: readonly Rule[] = [
  {
    id: 'closed',
    promise: 'a closed node hears nothing more, and what it sends is dropped and counted',
    async run({ service, connect }) {
      const [left, stays, sender] = [await connect(), await connect(), await connect()];
      const key = `${service}/user:1`;
      const [ofLeft, ofStays] = [await record(left, key), await record(stays, key)];
      await left.close();
      left.send(key, 'too late');
      await eventually(() => expect(left.stats().dropped).toBe(1));
      sender.send(key, 1);
      await eventually(() => expect(ofStays).toEqual([1]));
      expect(ofLeft).toEqual([]);
      await left.close();
    },
  },
  {
    id: 'outage',
    promise:
      'during an outage messages are dropped and counted; afterwards the node hears again, and says so',
    needs: 'outages',
    async run({ fixture, service, type, connect }) {
      const [node, peer] = [await connect(), await connect()];
      const key = `${service}/user:1`;
      const [ofNode, ofPeer] = [await record(node, key), await record(peer, key)];
      let connected = 0;
      const events: string[] = [];
      node.onConnected(() => {
        connected += 1;
      });
      node.onEvent(({ body }) => void events.push(body));
      await fixture.cut?.(node);
      await eventually(() => expect(node.state).toBe('degraded'));
      node.send(key, 'lost');
      node.announce(`${service}/topic`, 'lost');
      await eventually(() => expect(node.stats().dropped).toBe(2));
      await fixture.resume?.(node);
      await eventually(() => expect([node.state, connected]).toEqual(['up', 1]));
      node.send(key, 'to the peer');
      peer.send(key, 'to the node');
      await fixture.publish({ type, body: 'event' });
      await eventually(() => {
        expect([ofNode, ofPeer, events]).toEqual([['to the node'], ['to the peer'], ['event']]);
      });
    },
  },
];
