import { describe, expect, it } from '@jest/globals';
import { notificationContract } from '@warren/notification-contract';
import { command } from '../src/index.js';

const context = {
  principal: { userId: 'u1', sessionId: 's1', roles: [], expiresAt: 0 },
  commandId: undefined,
  correlationId: 'c1',
};
const id = '0192f0c1-2d3e-7a4b-8c5d-6e7f80910213';

describe('command', () => {
  const markAllRead = command(
    notificationContract,
    'notification.mark-all-read',
    async (_input, { principal }) => ({
      counts: { unread: 0, unseen: principal.userId.length, version: 1 },
    }),
  );
  const markRead = command(notificationContract, 'notification.mark-read', async () => {
    throw new Error('not called here');
  });

  const socket = { tell: () => true, onLeave: () => {} };

  it('takes what the contract states', async () => {
    expect(markAllRead.name).toBe('notification.mark-all-read');
    expect(markRead.check({ id })).toEqual({ id });
    expect(await markAllRead.handle({}, context, socket)).toEqual({
      counts: { unread: 0, unseen: 2, version: 1 },
    });
  });

  it.each([
    [{ id: 'nonsense' }, [{ pointer: '/id', code: expect.any(String) }]],
    [{}, [{ pointer: '/id', code: 'required' }]],
    [{ id, more: 1 }, [{ pointer: '/more', code: 'additionalProperties' }]],
    [null, [{ pointer: '', code: 'type' }]],
  ])('refuses %j with pointers', (input, errors) => {
    expect(() => markRead.check(input)).toThrow(expect.objectContaining({ code: 'invalid-request', errors }));
  });
});
