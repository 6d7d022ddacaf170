import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deletedEvent, userEvent } from '@warren/service-testing';
import { eventually } from '@warren/testing';
import { v7 as uuidv7 } from 'uuid';
import { paymentNotices } from '../src/domain/notices/notice.js';
import { renderNotices } from '../src/domain/notices/render.js';
import type { NotificationDb } from '../src/store/database.js';
import { erasePerson } from '../src/store/erasure.js';
import { writeNotifications } from '../src/store/notifications.js';
import { buryUserCopy, holdPeople } from '../src/store/user-copies.js';
import { paymentEvent, startTimeout, World } from './support/service.js';

let world: World;
beforeAll(async () => {
  world = await World.create();
}, startTimeout);
afterAll(() => world.close());

const rowsOf = (userId: string) => world.client.notification.count({ where: { userId } });

/** The number of rows in each table that keeps something about people. */
const rowCounts = (userId: string) =>
  Promise.all([
    rowsOf(userId),
    world.client.counts.count({ where: { userId } }),
    world.client.preference.count({ where: { userId } }),
    world.client.pushSubscription.count({ where: { userId } }),
    world.client.delivery.count({ where: { userId } }),
  ]);

describe('a deleted person', () => {
  it('leaves only an id and a version', async () => {
    const ada = await world.register('Ada');
    await world.alert(ada);
    expect(await rowsOf(ada)).toBe(2);
    await world.http(ada, 'PUT', '/preferences', { items: [{ kind: 'welcome', channels: { push: true } }] });
    await world.http(ada, 'POST', '/push-subscriptions', {
      endpoint: `https://push.example.org/${ada}`,
      keys: { p256dh: `B${'A'.repeat(86)}`, auth: 'A'.repeat(22) },
    });
    expect(await rowCounts(ada)).toEqual([2, 1, 1, 1, 1]);
    await world.bus.publish(deletedEvent(ada, 3));
    expect(await world.client.userCopy.findUnique({ where: { id: ada } })).toEqual({
      id: ada,
      epoch: 0,
      version: 3,
      deleted: true,
      displayName: null,
      locale: null,
      timeZone: null,
      email: null,
      emailVerified: null,
    });
    expect(await rowCounts(ada)).toEqual([0, 0, 0, 0, 0]);
  });

  it('is neither brought back nor welcomed by late events', async () => {
    const ada = uuidv7();
    await world.bus.publish(deletedEvent(ada, 3));
    await world.bus.publish(userEvent('user.updated', ada, 2));
    await world.bus.publish(userEvent('user.registered', ada, 1));
    expect(await world.client.userCopy.findUnique({ where: { id: ada } })).toMatchObject({ deleted: true });
    expect([await rowsOf(ada), await world.feed(ada)]).toEqual([0, []]);
  });

  it('is not notified of a late payment; the other person is', async () => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')];
    await world.bus.publish(deletedEvent(ada, 3));
    const before = await world.feed(ada);
    await world.bus.publish(paymentEvent('payment.succeeded', ada, grace));
    expect(await rowsOf(ada)).toBe(0);
    expect(await world.feed(ada)).toEqual(before);
    expect((await world.inbox(grace))[0]?.body).toBe('You received €12.50 from a deleted account.');
  });
});

describe('a preference and an erasure at the same time', () => {
  it('leave no rows, whichever is first', async () => {
    for (let round = 0; round < 20; round += 1) {
      const ada = uuidv7();
      if (round % 2) await world.bus.publish(userEvent('user.registered', ada, 1));
      const items = [{ kind: 'welcome', channels: { push: true } }];
      const [{ status }] = await Promise.all([
        world.http(ada, 'PUT', '/preferences', { items }),
        world.bus.publish(deletedEvent(ada, 2)),
      ]);
      expect([200, 401]).toContain(status);
      expect(await rowCounts(ada)).toEqual([0, 0, 0, 0, 0]);
    }
  });
});

describe('a payment and an erasure at the same time', () => {
  /** Reads the copies, lets an erasure run as far as it can, and then writes. */
  async function notifyWhileErasing(
    people: (db: NotificationDb, ids: string[]) => ReturnType<typeof holdPeople>,
  ): Promise<string> {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')];
    const type = 'payment.failed';
    const { id, body } = paymentEvent(type, ada, grace);
    let erasure: Promise<void> = Promise.resolve();
    await world.client.$transaction(async (db) => {
      const known = await people(db, [ada, grace]);
      let done = false;
      erasure = world.client
        .$transaction(async (other) => {
          await buryUserCopy(other, { id: ada, epoch: 0, version: 3 });
          await erasePerson(other, ada);
        })
        .then(() => {
          done = true;
        });
      await eventually(async () => expect(done || (await isLockAwaited())).toBe(true));
      const rendered = renderNotices(paymentNotices({ id, type }, JSON.parse(body).data), known);
      await writeNotifications(
        db,
        rendered.map((each) => ({ id: uuidv7(), ...each })),
        new Date(),
      );
    });
    await erasure;
    return ada;
  }

  async function isLockAwaited(): Promise<boolean> {
    const rows = await world.client.$queryRaw<unknown[]>`
      SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid)
      WHERE NOT l.granted AND a.datname = current_database()`;
    return rows.length > 0;
  }

  it('hazard: if copies are read but not locked, a notification is written for a deleted person', async () => {
    const ada = await notifyWhileErasing((db, ids) => db.userCopy.findMany({ where: { id: { in: ids } } }));
    expect(await rowsOf(ada)).toBe(1);
  });

  it('guard: locked copies make the erasure wait, so it finds all rows', async () => {
    const ada = await notifyWhileErasing(holdPeople);
    expect(await rowsOf(ada)).toBe(0);
  });
});
