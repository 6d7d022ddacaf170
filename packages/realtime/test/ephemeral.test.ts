import { describe, expect, it } from '@jest/globals';
import type { CommandSocket, SocketCommand } from '@warren/realtime';
import { eventually } from '@warren/testing';
import { closeAfterEach, connect, node } from './support/fixtures.js';
import { service, token } from './support/node.js';

closeAfterEach();

describe('the socket of a command', () => {
  it('can be sent events that are no feed entries, and tells when it leaves', async () => {
    const sockets: CommandSocket[] = [];
    let left = 0;
    const follow: SocketCommand = {
      name: 'things.follow',
      check: (input) => input,
      async handle(_input, _context, socket) {
        sockets.push(socket);
        socket.onLeave(() => {
          left += 1;
        });
        return {};
      },
    };
    const { url } = await node({ commands: [follow] });
    const client = connect(url);
    await client.command('things.follow');
    expect(sockets[0]?.tell('things.changed', { to: 2 })).toBe(true);
    expect(await client.got('things.changed')).toEqual({ to: 2 });
    client.close();
    await eventually(() => expect(left).toBe(1));
    expect(sockets[0]?.tell('things.changed', { to: 3 })).toBe(false);
    sockets[0]?.onLeave(() => {
      left += 1;
    });
    expect(left).toBe(2);
  });
});

describe('the user listener', () => {
  it('is told when the first socket of a user joins and the last one leaves', async () => {
    const heard: string[] = [];
    const users = {
      joined: (userId: string) => void heard.push(`joined ${userId}`),
      left: (userId: string) => void heard.push(`left ${userId}`),
    };
    const { url, realtime } = await node({ users });
    const [first, second] = [
      connect(url, { token: token('ann') }),
      connect(url, { token: token('ann', 's2') }),
    ];
    await Promise.all([first.got('session.ready'), second.got('session.ready')]);
    expect(realtime.connectedUsers()).toEqual(['ann']);
    first.close();
    await eventually(() => expect(realtime.socketCount).toBe(1));
    expect(heard).toEqual(['joined ann']);
    second.close();
    await eventually(() => expect(heard).toEqual(['joined ann', 'left ann']));
  });
});

describe('hints', () => {
  it('reach the other nodes of their service in messages of limited size', async () => {
    const { nodes, realtime } = await node();
    const heard: unknown[] = [];
    realtime.onHint('presence', (keys) => heard.push(keys));
    realtime.hint(
      'presence',
      Array.from({ length: 1_500 }, (_, index) => `user-${index}`),
    );
    const sizes = nodes.announced.map(({ topic, message }) => [topic, (message as string[]).length]);
    expect(sizes).toEqual([
      [`${service}/presence`, 1_000],
      [`${service}/presence`, 500],
    ]);
    nodes.deliverAnnouncement(`${service}/presence`, ['ann']);
    nodes.deliverAnnouncement(`${service}/presence`, { keys: 'of another build' });
    expect(heard).toEqual([['ann']]);
  });
});
