import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CommandContext, SocketCommand } from '@warren/realtime';
import { userEvent } from '@warren/service-testing';
import { v7 as uuidv7 } from 'uuid';
import { paymentEvent, startTimeout, World } from './support/service.js';

let world: World;
beforeAll(async () => {
  world = await World.create();
}, startTimeout);
afterAll(() => world.close());

/** Registers a person whose inbox has the welcome and `payments` other notifications. */
async function somebody(payments = 2): Promise<string> {
  const [ada, grace] = [await world.register('Ada'), await world.register('Grace')];
  for (let sent = 0; sent < payments; sent += 1) {
    await world.bus.publish(paymentEvent('payment.succeeded', grace, ada, { amount: 100 + sent }));
  }
  return ada;
}

async function newest(userId: string): Promise<string> {
  const [notification] = await world.inbox(userId);
  if (notification === undefined) throw new Error('The inbox is empty');
  return notification.id;
}

describe('GET /notifications', () => {
  it('lists the inbox page by page, newest first, with a cursor of the feed', async () => {
    const ada = await somebody(4);
    const all = (await world.inbox(ada)).map(({ id }) => id);
    expect(all).toHaveLength(5);
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = cursor && `&cursor=${cursor}`;
      const { status, body } = await world.http(ada, 'GET', `/notifications?limit=2${query}`);
      expect([status, typeof body.asOf]).toEqual([200, 'string']);
      seen.push(...body.items.map(({ id }) => id));
      cursor = body.nextCursor as string | null;
    }
    expect(seen).toEqual(all);
    expect([...seen].sort().reverse()).toEqual(seen);
  });

  it('filters by state', async () => {
    const ada = await somebody(2);
    const id = await newest(ada);
    await world.http(ada, 'POST', `/notifications/${id}/mark-read`);
    await world.client.notification.updateMany({
      where: { userId: ada, kind: 'welcome' },
      data: { archivedAt: new Date() },
    });
    const sizes = await Promise.all(
      ['unread', 'all', 'archived'].map(async (state) => (await world.inbox(ada, state)).length),
    );
    expect(sizes).toEqual([1, 2, 1]);
  });

  it.each(['state=lost', 'limit=0', 'limit=101', 'cursor=nonsense', 'unasked=1'])(
    'refuses the query %s',
    async (query) => {
      const { status, body } = await world.http(uuidv7(), 'GET', `/notifications?${query}`);
      expect([status, body.code]).toEqual([400, 'invalid-request']);
    },
  );

  it('is empty and has counts of 0 for an unknown person', async () => {
    const stranger = uuidv7();
    expect(await world.inbox(stranger)).toEqual([]);
    expect(await world.counts(stranger)).toEqual({ unread: 0, unseen: 0, version: 0 });
  });
});

describe('mark-read', () => {
  it('changes one notification and the counts, and sends both to the feed', async () => {
    const ada = await somebody(2);
    const id = await newest(ada);
    const { status, body } = await world.http(ada, 'POST', `/notifications/${id}/mark-read`);
    expect(status).toBe(200);
    expect(body.notification).toMatchObject({
      id,
      version: 2,
      readAt: expect.any(String),
      seenAt: expect.any(String),
    });
    expect(body.counts).toEqual({ unread: 2, unseen: 2, version: 4 });
    expect((await world.feed(ada)).at(-1)).toEqual({ type: 'notification.updated', data: body });
    expect(await world.counts(ada)).toEqual(body.counts);
  });

  it('changes nothing when repeated, even several times at once', async () => {
    const ada = await somebody(2);
    const path = `/notifications/${await newest(ada)}/mark-read`;
    const first = await world.http(ada, 'POST', path);
    const repeats = await Promise.all([1, 2, 3, 4].map(() => world.http(ada, 'POST', path)));
    expect(repeats).toEqual([first, first, first, first]);
    expect((await world.feed(ada)).filter(({ type }) => type === 'notification.updated')).toHaveLength(1);
  });

  it('keeps the counts right when several notifications are marked at once', async () => {
    const ada = await somebody(8);
    const ids = (await world.inbox(ada)).map(({ id }) => id);
    await Promise.all(ids.map((id) => world.http(ada, 'POST', `/notifications/${id}/mark-read`)));
    expect(await world.counts(ada)).toEqual({ unread: 0, unseen: 0, version: 18 });
  });

  it('is allowed to the owner only', async () => {
    const ada = await somebody(1);
    const id = await newest(ada);
    for (const path of [`/notifications/${id}/mark-read`, `/notifications/${uuidv7()}/mark-read`]) {
      const { status, body } = await world.http(uuidv7(), 'POST', path);
      expect([status, body.code]).toEqual([404, 'not-found']);
    }
    const malformed = await world.http(ada, 'POST', `/notifications/urn:uuid:${id}/mark-read`);
    expect([malformed.status, malformed.body.code]).toEqual([400, 'invalid-request']);
    expect(await world.counts(ada)).toEqual({ unread: 2, unseen: 2, version: 2 });
  });
});

describe('mark-all-read', () => {
  it('marks all unread notifications up to the newest, and sends one feed entry', async () => {
    const ada = await somebody(3);
    const upTo = await newest(ada);
    const { status, body } = await world.http(ada, 'POST', '/notifications/mark-all-read');
    expect([status, body.counts]).toEqual([200, { unread: 0, unseen: 0, version: 5 }]);
    expect((await world.feed(ada)).at(-1)).toEqual({
      type: 'notification.all-updated',
      data: { change: 'read', upTo, counts: body.counts },
    });
    expect(await world.inbox(ada, 'unread')).toEqual([]);
    expect(await world.http(ada, 'POST', '/notifications/mark-all-read')).toEqual({ status, body });
    expect(await world.feed(ada)).toHaveLength(5);
  });

  it('counts exactly the notifications that arrive at the same time', async () => {
    const ada = await somebody(5);
    const grace = await world.register('Grace');
    await Promise.all([
      world.http(ada, 'POST', '/notifications/mark-all-read'),
      ...Array.from({ length: 10 }, () => world.bus.publish(paymentEvent('payment.succeeded', grace, ada))),
      world.http(ada, 'POST', '/notifications/mark-all-read'),
    ]);
    const { unread, unseen } = await world.counts(ada);
    const left = (await world.inbox(ada, 'unread')).length;
    expect([unread, unseen]).toEqual([left, left]);
  });
});

describe('mark-unread, archive and unarchive', () => {
  const mark = (userId: string, id: string, path: string) =>
    world.http(userId, 'POST', `/notifications/${id}/${path}`);

  it('mark-unread makes a notification unread, and it stays seen', async () => {
    const ada = await somebody(1);
    const id = await newest(ada);
    await mark(ada, id, 'mark-read');
    const { status, body } = await mark(ada, id, 'mark-unread');
    expect([status, body.counts]).toEqual([200, { unread: 2, unseen: 1, version: 4 }]);
    expect(body.notification).toMatchObject({ seenAt: expect.any(String), version: 3 });
    expect(body.notification).not.toHaveProperty('readAt');
    expect((await world.feed(ada)).at(-1)).toEqual({ type: 'notification.updated', data: body });
  });

  it('an archived notification is listed apart and does not count; once unarchived, it counts again', async () => {
    const ada = await somebody(1);
    const id = await newest(ada);
    const archived = await mark(ada, id, 'archive');
    expect(archived.body.counts).toEqual({ unread: 1, unseen: 1, version: 3 });
    expect((await world.inbox(ada, 'archived')).map((each) => each.id)).toEqual([id]);
    expect(await world.inbox(ada)).toHaveLength(1);
    const back = await mark(ada, id, 'unarchive');
    expect(back.body.counts).toEqual({ unread: 2, unseen: 2, version: 4 });
    expect(back.body.notification).not.toHaveProperty('archivedAt');
    expect(await world.inbox(ada)).toHaveLength(2);
  });

  it.each(['mark-unread', 'archive', 'unarchive'])(
    '%s changes nothing when repeated, and is allowed to the owner only',
    async (path) => {
      const ada = await somebody(1);
      const id = await newest(ada);
      await mark(ada, id, path);
      const [entries, first] = [await world.feed(ada), await mark(ada, id, path)];
      expect(await mark(ada, id, path)).toEqual(first);
      expect(await world.feed(ada)).toEqual(entries);
      expect((await mark(uuidv7(), id, path)).body.code).toBe('not-found');
    },
  );
});

describe('mark-all-seen', () => {
  it('leaves unread notifications unread and archived ones unseen, and sends one feed entry', async () => {
    const ada = await somebody(2);
    const upTo = await newest(ada);
    const welcome = (await world.inbox(ada)).at(-1)?.id;
    await world.http(ada, 'POST', `/notifications/${welcome}/archive`);
    const { status, body } = await world.http(ada, 'POST', '/notifications/mark-all-seen');
    expect([status, body.counts]).toEqual([200, { unread: 2, unseen: 0, version: 5 }]);
    expect((await world.feed(ada)).at(-1)).toEqual({
      type: 'notification.all-updated',
      data: { change: 'seen', upTo, counts: body.counts },
    });
    expect(await world.http(ada, 'POST', '/notifications/mark-all-seen')).toEqual({ status, body });
    expect(await world.feed(ada)).toHaveLength(5);
    expect((await world.inbox(ada, 'archived'))[0]).not.toHaveProperty('seenAt');
  });
});

describe('commands', () => {
  function run(userId: string, name: string, input: unknown, commandId?: string): Promise<unknown> {
    const command = world.commands.find((each: SocketCommand) => each.name === name);
    if (command === undefined) throw new Error(`There is no command ${name}`);
    const principal = { userId, sessionId: uuidv7(), roles: [], expiresAt: Date.now() + 60_000 };
    const context: CommandContext = { principal, commandId, correlationId: 'test' };
    return command.handle(command.check(input), context, { tell: () => true, onLeave: () => {} });
  }

  it('notification.mark-read does the same as its route', async () => {
    const ada = await somebody(1);
    const id = await newest(ada);
    const answer = await run(ada, 'notification.mark-read', { id });
    expect(await world.http(ada, 'POST', `/notifications/${id}/mark-read`)).toEqual({
      status: 200,
      body: answer,
    });
  });

  it.each([
    ['mark-unread', 1],
    ['archive', 1],
    ['unarchive', 1],
    ['mark-all-seen', undefined],
  ])('notification.%s does the same as its route', async (name, one) => {
    const ada = await somebody(1);
    const id = await newest(ada);
    const answer = await run(ada, `notification.${name}`, one ? { id } : {});
    expect(await world.http(ada, 'POST', `/notifications/${one ? `${id}/` : ''}${name}`)).toEqual({
      status: 200,
      body: answer,
    });
  });

  it('a commandId makes a repeat return the first answer', async () => {
    const ada = await somebody(2);
    const commandId = uuidv7();
    const first = await run(ada, 'notification.mark-all-read', {}, commandId);
    expect(first).toEqual({ counts: { unread: 0, unseen: 0, version: 4 } });
    await world.bus.publish(userEvent('user.updated', ada, 3));
    await world.bus.publish(paymentEvent('payment.succeeded', await world.register('Grace'), ada));
    expect(await run(ada, 'notification.mark-all-read', {}, commandId)).toEqual(first);
    expect((await world.counts(ada)).unread).toBe(1);
  });

  it('invalid input is refused with pointers', async () => {
    await expect(async () =>
      run(uuidv7(), 'notification.mark-read', { id: 'nonsense' }),
    ).rejects.toMatchObject({
      code: 'invalid-request',
      errors: [expect.objectContaining({ pointer: '/id' })],
    });
  });

  it('somebody else’s notification does not exist', async () => {
    const ada = await somebody(1);
    const id = await newest(ada);
    await expect(run(uuidv7(), 'notification.mark-read', { id })).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});
