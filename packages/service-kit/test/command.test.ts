import { describe, expect, it } from '@jest/globals';
import { notificationContract } from '@warren/notification-contract';
import type { SocketCommand } from '@warren/realtime';
import { type Commands, socketCommands } from '../src/index.js';

const context = {
  principal: { userId: 'u1', sessionId: 's1', roles: [], expiresAt: 0 },
  commandId: undefined,
  correlationId: 'c1',
};
const id = '0192f0c1-2d3e-7a4b-8c5d-6e7f80910213';
const socket = { tell: () => true, onLeave: () => {} };

const counts = { unread: 0, unseen: 0, version: 1 };
const one = async () => {
  throw new Error('not called here');
};
const handlers: Commands<typeof notificationContract> = {
  'notification.mark-read': one,
  'notification.mark-unread': one,
  'notification.archive': one,
  'notification.unarchive': one,
  'notification.mark-all-read': async (_input, { principal }) => ({
    counts: { ...counts, unseen: principal.userId.length },
  }),
  'notification.mark-all-seen': async () => ({ counts }),
};

describe('the commands of a contract', () => {
  const commands = new Map(socketCommands(notificationContract, handlers).map((each) => [each.name, each]));
  const markRead = commands.get('notification.mark-read') as SocketCommand;
  const markAllRead = commands.get('notification.mark-all-read') as SocketCommand;

  it('accept input that fits the contract', async () => {
    expect([...commands.keys()]).toEqual(Object.keys(notificationContract.commands));
    expect(markRead.check({ id })).toEqual({ id });
    expect(await markAllRead.handle({}, context, socket)).toEqual({ counts: { ...counts, unseen: 2 } });
  });

  it.each([
    [{ id: 'nonsense' }, [{ pointer: '/id', code: expect.any(String) }]],
    [{}, [{ pointer: '/id', code: 'required' }]],
    [{ id, more: 1 }, [{ pointer: '/more', code: 'additionalProperties' }]],
    [null, [{ pointer: '', code: 'type' }]],
  ])('refuse %j, with pointers to the errors', (input, errors) => {
    expect(() => markRead.check(input)).toThrow(expect.objectContaining({ code: 'invalid-request', errors }));
  });

  it('make the start fail if one of them has no handler', () => {
    const { 'notification.archive': _, ...others } = handlers;
    expect(() => socketCommands(notificationContract, others as typeof handlers)).toThrow(
      'notification has no handler for the command notification.archive of its contract',
    );
  });

  it('make the start fail if there is a handler for another command', () => {
    expect(() =>
      socketCommands(notificationContract, { ...handlers, 'notification.eat': one } as typeof handlers),
    ).toThrow('notification handles the command notification.eat, which its contract does not have');
  });
});
