import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, type FaultProxy, faultProxy } from '@warren/testing';
import pg from 'pg';
import { pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { fairShare } from '../src/domain/fair-share.js';
import type { MailContent } from '../src/domain/notices/render.js';
import { reasonToGiveUp } from '../src/domain/retries.js';
import type { Channel } from '../src/operations/channels.js';
import { createDeliveries, defaultTiming } from '../src/operations/deliver.js';
import type { NotificationDb } from '../src/store/database.js';
import { writeDirectMail } from '../src/store/deliveries.js';
import {
  forgetDeliveries,
  postponeDelivery,
  settleDelivery,
  takeDeliveries,
} from '../src/store/delivery-queue.js';
import { startTimeout, World } from './support/service.js';
import { type MailServer, mailServer } from './support/smtp.js';

let server: MailServer;
let proxy: FaultProxy;
let world: World;
beforeAll(async () => {
  server = await mailServer();
  proxy = await faultProxy({ host: '127.0.0.1', port: server.port });
  world = await World.create({ env: { SMTP_URL: `smtp://127.0.0.1:${proxy.port}` } });
}, startTimeout);
afterAll(async () => {
  await world.close();
  await proxy.close();
  await server.close();
});

const content: MailContent = {
  language: 'en',
  subject: 'Hello',
  paragraphs: ['Hello.'],
  action: 'Go',
  path: '/',
};

async function write(db: NotificationDb, address = `${uuidv7()}@example.org`) {
  const mail = { userId: uuidv7(), eventId: uuidv7(), kind: 'test', address, content };
  await writeDirectMail(db, mail, { at: new Date(), giveUpAt: new Date(Date.now() + 60_000) });
  return mail;
}

/** Nothing is under way. */
const share = fairShare([], 100);

/** A delivery that is written and taken in one transaction, before a dispatcher can see it. */
async function taken(leaseMs: number) {
  return world.client.$transaction(async (db) => {
    const mail = await write(db);
    const all = await takeDeliveries(db, 'email', { limit: 100, leaseMs, share });
    const delivery = all.find(({ address }) => address === mail.address);
    if (delivery === undefined) throw new Error('The delivery was not taken');
    return { mail, delivery };
  });
}

const rowOf = (id: string) => world.client.delivery.findUniqueOrThrow({ where: { id } });

describe('a delivery that a process has taken', () => {
  it('is sent by another process when the lease of a crashed one ends', async () => {
    const { mail, delivery } = await taken(200);
    await eventually(() => expect(server.to(mail.address)).toHaveLength(1));
    await eventually(async () =>
      expect(await rowOf(delivery.id)).toMatchObject({ outcome: 'sent', attempts: 2 }),
    );
  });

  it('can be settled or postponed only by the process that took it last', async () => {
    const { delivery } = await taken(60_000);
    const stale = { ...delivery, attempts: delivery.attempts - 1 };
    const before = await rowOf(delivery.id);
    await settleDelivery(world.client, stale, 'sent');
    await postponeDelivery(world.client, stale, 0, 'late');
    expect(await rowOf(delivery.id)).toEqual(before);
    await settleDelivery(world.client, delivery, 'given-up', 'test');
  });

  it('is given up without a try after it crashed its process too often', async () => {
    const { mail, delivery } = await taken(200);
    await world.client.delivery.update({ where: { id: delivery.id }, data: { attempts: 100 } });
    await eventually(async () =>
      expect(await rowOf(delivery.id)).toMatchObject({
        outcome: 'given-up',
        failure: 'too-often',
        attempts: 101,
      }),
    );
    expect(server.to(mail.address)).toEqual([]);
    const [now, giveUpAt] = [new Date(), new Date(Date.now() + 60_000)];
    expect([1, 100, 101].map((attempts) => reasonToGiveUp(attempts, { now, giveUpAt }))).toEqual([
      undefined,
      undefined,
      'too-often',
    ]);
  });

  it('is due again at once when the process stops', async () => {
    const other = await World.create({
      env: { SMTP_URL: `smtp://127.0.0.1:${proxy.port}` },
      timing: { stopMs: 100, sendMs: 60_000 },
    });
    proxy.stall();
    const ada = await other.register('Ada', { email: `${uuidv7()}@example.org` });
    await other.alert(ada);
    const rows = () => other.client.delivery.findMany({ where: { userId: ada } });
    await eventually(async () => expect((await rows())[0]?.attempts).toBe(1));
    const pool = new pg.Pool({ connectionString: other.database.url, max: 1 });
    const stopped = other.service.stop();
    await eventually(async () => {
      const { rows } = await pool.query('SELECT due_at <= now() AS free, settled_at FROM deliveries');
      expect(rows).toEqual([{ free: true, settled_at: null }]);
    });
    await stopped;
    await pool.end();
    await other.close();
    proxy.resume();
  });
});

describe('a sent mail', () => {
  it('is not sent again if the database fails for a moment while it is being settled', async () => {
    const { delivery } = await taken(60_000);
    let [failing, sent] = [2, 0];
    const client = new Proxy(world.client, {
      get(target, name) {
        if (name === '$executeRaw' && failing-- > 0)
          return () => Promise.reject(new Error('the database is away'));
        return Reflect.get(target, name);
      },
    });
    const channel: Channel = {
      name: 'email',
      concurrency: 1,
      send: async () => {
        sent += 1;
      },
      close: async () => undefined,
    };
    const log = pino({ level: 'silent' });
    const deliveries = createDeliveries({ client, log, channel, timing: defaultTiming });
    await deliveries.deliver(delivery, new AbortController().signal);
    expect([sent, await rowOf(delivery.id)]).toMatchObject([1, { outcome: 'sent', attempts: 1 }]);
  });
});

describe('a mail that somebody is waiting for', () => {
  it('is taken before a backlog, even after it failed', async () => {
    await world.client.$transaction(async (db) => {
      const { address, userId } = await write(db);
      const waiting = Array.from({ length: 50 }, (_, minute) => ({
        ...{ id: uuidv7(), eventId: uuidv7(), kind: 'test', channel: 'email', target: '', content: {} },
        ...{ createdAt: new Date(), giveUpAt: new Date(Date.now() + 60_000) },
        // One of them is for the same person and has been due for longer.
        userId: minute === 30 ? userId : uuidv7(),
        dueAt: new Date(Date.now() - minute * 60_000),
      }));
      await db.delivery.createMany({ data: waiting });
      const take = () => takeDeliveries(db, 'email', { limit: 1, leaseMs: 60_000, share });
      for (const attempts of [1, 2, 3, 4, 5]) {
        const [first] = await take();
        expect(first).toMatchObject({ address, attempts, isAwaited: true });
        if (first) await postponeDelivery(db, first, -1, 'test');
      }
      // After so many failures, the address no longer delays other mails.
      expect(await take()).toMatchObject([{ isAwaited: false }]);
      await db.delivery.deleteMany({ where: { id: { in: waiting.map(({ id }) => id) } } });
      await db.delivery.deleteMany({ where: { userId } });
    });
  });
});

describe('a mail with a token that was just requested', () => {
  it('is taken before mails with tokens that have failed', async () => {
    await world.client.$transaction(async (db) => {
      const take = () => takeDeliveries(db, 'email', { limit: 1, leaseMs: 60_000, share });
      const failing = await write(db);
      for (const delivery of await take()) await postponeDelivery(db, delivery, -60_000, 'test');
      const fresh = await write(db);
      expect(await take()).toMatchObject([{ address: fresh.address }]);
      expect(await take()).toMatchObject([{ address: failing.address }]);
      const both = { userId: { in: [failing.userId, fresh.userId] } };
      await db.delivery.deleteMany({ where: both });
    });
  });
});

describe('settled deliveries', () => {
  it('are deleted after 30 days, unsettled ones never', async () => {
    const { delivery: settled } = await taken(60_000);
    const { delivery: waiting } = await taken(60_000);
    await settleDelivery(world.client, settled, 'sent');
    await world.client.$executeRaw`
      UPDATE deliveries SET created_at = now() - interval '90 days', settled_at = settled_at - interval '31 days'
      WHERE id IN (${settled.id}::uuid, ${waiting.id}::uuid)`;
    expect(await forgetDeliveries(world.client, 30, 10)).toBe(1);
    expect(await world.client.delivery.findUnique({ where: { id: settled.id } })).toBeNull();
    expect(await rowOf(waiting.id)).toMatchObject({ settledAt: null });
  });
});
