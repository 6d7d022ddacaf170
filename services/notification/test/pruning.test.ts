import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Counts } from '@warren/notification-contract';
import { eventually } from '@warren/testing';
import type { NotificationContext } from '../src/context.js';
import { expiryOf, firstIdAt, oldestKeptId, retention } from '../src/domain/retention.js';
import { notificationPruner } from '../src/jobs/pruner.js';
import { createPruneInboxes } from '../src/operations/prune-inboxes.js';
import { beforeAllDue, inboxesDue, inspectInboxes, scheduleInboxes } from '../src/store/pruning.js';
import { startTimeout, World } from './support/service.js';

type Context = NotificationContext;

let world: World;
let context: Context | undefined;
beforeAll(async () => {
  world = await World.create({ seeContext: (given) => (context = given) });
}, startTimeout);
afterAll(() => world.close());

const day = 86_400_000;

/** Writes notifications and counts. The ids have the times `from`, `from + every` and so on. */
async function fill(userId: string, rows: number, from = Date.now() - rows, every = 1): Promise<void> {
  const id = (at: number) => firstIdAt(new Date(at));
  const data = Array.from({ length: rows }, (_, index) => {
    const at = from + index * every;
    return { id: `${id(at).slice(0, 24)}${userId.slice(-12)}`, userId, eventId: `${userId} ${index}` };
  });
  // A statement takes 32,766 values, and the client runs no operation that needs several.
  for (let first = 0; first < rows; first += 2_000) {
    const some = data.slice(first, first + 2_000);
    await world.client.notification.createMany({
      data: some.map((row) => ({
        ...row,
        kind: 'test',
        title: '',
        body: '',
        data: {},
        createdAt: new Date(),
      })),
    });
  }
  await world.client.counts.update({
    where: { userId },
    data: { unread: { increment: rows }, unseen: { increment: rows } },
  });
}

/** Prunes inboxes until `done` passes. */
async function prune(changes: Partial<typeof retention>, done: () => Promise<void>): Promise<void> {
  if (context === undefined) throw new Error('There is no context');
  const limits = { ...retention, ...changes };
  const pruneInboxes = createPruneInboxes({ ...context, retention: limits });
  const pruner = notificationPruner({ ...context, pruneInboxes });
  pruner.start();
  await eventually(done, { within: 20_000 }).finally(() => pruner.stop());
}

/** What is noted about an inbox, and whether it is due at `now`. */
async function noted(userId: string, now = new Date()) {
  const due = await inboxesDue(world.client, { after: beforeAllDue, now, limit: 1_000 });
  const { dueAt, room } = await world.client.counts.findUniqueOrThrow({ where: { userId } });
  return { isDue: due.some((inbox) => inbox.userId === userId), dueAt, room };
}

const inAYear = () => new Date(Date.now() + 366 * day);

async function counted(userId: string): Promise<Pick<Counts, 'unread' | 'unseen'>> {
  const where = { userId, archivedAt: null };
  return {
    unread: await world.client.notification.count({ where: { ...where, readAt: null } }),
    unseen: await world.client.notification.count({ where: { ...where, seenAt: null } }),
  };
}

describe('an inbox', () => {
  it('keeps its newest notifications, and sends the right counts', async () => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')];
    await fill(ada, 40);
    const ids = (await world.inbox(ada)).map(({ id }) => id);
    await world.http(ada, 'POST', `/notifications/${ids.at(-1)}/archive`);
    await world.http(ada, 'POST', `/notifications/${ids.at(-2)}/mark-read`);
    await prune({ most: 10 }, async () =>
      expect((await world.inbox(ada)).map(({ id }) => id)).toEqual(ids.slice(0, 10)),
    );
    expect(await world.counts(ada)).toMatchObject(await counted(ada));
    expect(await world.counts(ada)).toMatchObject({ unread: 10, unseen: 10 });
    const last = (await world.feed(ada)).at(-1);
    expect(last).toMatchObject({
      type: 'notification.all-updated',
      data: { change: 'read', upTo: ids[10], counts: await world.counts(ada) },
    });
    expect(await world.inbox(grace)).toHaveLength(1);
  });

  it('keeps no notification for more than a year', async () => {
    const ada = await world.register('Ada');
    await fill(ada, 10, Date.now() - 370 * day, day);
    expect(await world.inbox(ada)).toHaveLength(11);
    await prune({}, async () => expect((await world.inbox(ada)).length).toBeLessThanOrEqual(6));
    expect(await world.counts(ada)).toMatchObject(await counted(ada));
    expect((await world.inbox(ada)).at(0)?.kind).toBe('welcome');
  });

  it('sends no feed entry if pruning does not change its counts', async () => {
    const ada = await world.register('Ada');
    await fill(ada, 20);
    await world.http(ada, 'POST', '/notifications/mark-all-read');
    const [before, counts] = [await world.feed(ada), await world.counts(ada)];
    await prune({ most: 10 }, async () => expect(await world.inbox(ada)).toHaveLength(10));
    expect([await world.feed(ada), await world.counts(ada)]).toEqual([before, counts]);
  });

  it('with as many notifications as allowed is marked well within the time of a transaction', async () => {
    const ada = await world.register('Ada');
    await fill(ada, retention.most + 2_500);
    await prune({}, async () =>
      expect(await world.client.notification.count({ where: { userId: ada } })).toBe(retention.most),
    );
    expect(await world.counts(ada)).toMatchObject({ unread: retention.most, unseen: retention.most });
    const before = Date.now();
    expect((await world.http(ada, 'POST', '/notifications/mark-all-read')).status).toBe(200);
    expect(Date.now() - before).toBeLessThan(5_000);
    expect(await world.counts(ada)).toMatchObject({ unread: 0, unseen: 0 });
  }, 60_000);

  it('that cannot be pruned is tried again next time, and delays no other', async () => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')].sort();
    if (ada === undefined || grace === undefined) throw new Error('There are two');
    for (const person of [ada, grace]) await fill(person, 20);
    await world.client.$executeRawUnsafe(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$`);
    await world.client.$executeRawUnsafe(`
      CREATE TRIGGER refused BEFORE DELETE ON notifications FOR EACH ROW WHEN (OLD.user_id = '${ada}')
      EXECUTE FUNCTION refuse()`);
    await prune({ most: 10 }, async () => expect(await world.inbox(grace)).toHaveLength(10));
    expect(await world.inbox(ada)).toHaveLength(21);
    await world.client.$executeRawUnsafe('DROP FUNCTION refuse CASCADE');
    await prune({ most: 10 }, async () => expect(await world.inbox(ada)).toHaveLength(10));
  });

  it('is due when it has too many notifications or its oldest is too old, and not before', async () => {
    const ada = await world.register('Ada');
    const [welcome] = await world.inbox(ada);
    if (welcome === undefined) throw new Error('There is a welcome');
    await prune({ most: 10 }, async () => expect((await noted(ada)).isDue).toBe(false));
    expect(await noted(ada)).toEqual({ isDue: false, dueAt: expiryOf(welcome.id, retention), room: 9 });
    expect((await noted(ada, inAYear())).isDue).toBe(true);
    await fill(ada, 9);
    await world.http(ada, 'POST', '/notifications/mark-all-read');
    expect(await noted(ada)).toMatchObject({ isDue: false, room: 0 });
    await world.alert(ada);
    expect((await noted(ada)).isDue).toBe(true);
    await prune({ most: 10 }, async () => expect(await noted(ada)).toMatchObject({ isDue: false, room: 0 }));
    expect(await world.inbox(ada)).toHaveLength(10);
  });

  it('that is empty is due again when it gets a notification, whichever build writes it', async () => {
    const ada = await world.register('Ada');
    await prune({ days: -1 }, async () => expect(await noted(ada, inAYear())).toMatchObject({ dueAt: null }));
    expect(await world.inbox(ada)).toEqual([]);
    expect((await noted(ada, inAYear())).isDue).toBe(false);
    await world.alert(ada);
    expect((await noted(ada)).isDue).toBe(true);
  });

  it('stays due if it gets a notification while it is inspected, and delays no other', async () => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')];
    const inspect = () =>
      inspectInboxes(world.client, [ada, grace], { most: 10, oldestId: oldestKeptId(new Date(), retention) });
    const schedule = async (inboxes: Awaited<ReturnType<typeof inspect>>) =>
      scheduleInboxes(
        world.client,
        inboxes.map((inbox) => ({ ...inbox, dueAt: inAYear() })),
      );
    const inspected = await inspect();
    await world.alert(ada);
    await schedule(inspected);
    expect([await noted(ada), await noted(grace)]).toMatchObject([{ isDue: true }, { isDue: false }]);
    await world.client.$transaction(async (tx) => {
      await tx.$queryRaw`SELECT FROM counts WHERE user_id = ${ada}::uuid FOR UPDATE`;
      await schedule(await inspect());
    });
    expect((await noted(ada)).isDue).toBe(true);
    await schedule(await inspect());
    expect((await noted(ada)).isDue).toBe(false);
  });

  it('is pruned by one instance at a time', async () => {
    if (context === undefined) throw new Error('There is no context');
    const { withLease } = context;
    const ada = await world.register('Ada');
    await fill(ada, 20);
    await world.client.$executeRaw`
      INSERT INTO messaging.lease VALUES ('notification-pruner', gen_random_uuid(), now() + interval '1 hour')`;
    const answers: unknown[] = [];
    const noting: typeof withLease = async (name, work) => {
      const answer = await withLease(name, work);
      answers.push(answer);
      return answer;
    };
    const pruneInboxes = createPruneInboxes({ ...context, retention: { ...retention, most: 10 } });
    const second = notificationPruner({ ...context, withLease: noting, pruneInboxes });
    second.start();
    await eventually(() => expect(answers).toStrictEqual([undefined]), { within: 20_000 }).finally(() =>
      second.stop(),
    );
    expect(await world.inbox(ada)).toHaveLength(21);
    await world.client.$executeRaw`DELETE FROM messaging.lease`;
    await prune({ most: 10 }, async () => expect(await world.inbox(ada)).toHaveLength(10));
  });
});
