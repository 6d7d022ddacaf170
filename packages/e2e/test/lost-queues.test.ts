import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, type TestBroker, testBroker, testDatabase } from '@warren/testing';
import { type ChannelModel, connect } from 'amqplib';
import pg from 'pg';
import { Person } from './support/person.js';
import { SeparateSystem, type Servers, type ServiceName, services } from './support/system.js';

/** The time for a recovery: services check every 15 s and then request replays from each other. */
const aMinute = { within: 60_000 };

describe('services that run while the broker loses something', () => {
  let broker: TestBroker;
  let system: SeparateSystem;
  let model: ChannelModel;
  const databases = new Map<ServiceName, pg.Pool>();

  beforeAll(async () => {
    broker = await testBroker();
    const entries = await Promise.all(
      services.map(async (service) => {
        const database = await testDatabase();
        const pool = new pg.Pool({ connectionString: database.url, max: 2 });
        pool.on('error', () => undefined);
        databases.set(service, pool);
        return { service, database, pool };
      }),
    );
    const closers = [
      ...entries.flatMap(({ database, pool }) => [() => pool.end(), () => database.close()]),
      () => broker.close(),
    ];
    const servers = Object.fromEntries(
      entries.map(({ service, database }) => [service, { AMQP_URL: broker.url, DATABASE_URL: database.url }]),
    );
    system = await SeparateSystem.on(servers as Servers, closers);
    model = await openModel();
    await untilRecovered();
  }, 180_000);
  afterAll(async () => {
    await model?.close().catch(() => undefined);
    await system?.close();
  }, 90_000);

  async function openModel(): Promise<ChannelModel> {
    const opened = await connect(broker.url);
    opened.on('error', () => undefined);
    return opened;
  }

  const rows = async (service: ServiceName, sql: string, values: unknown[] = []) =>
    (await databases.get(service)?.query(sql, values))?.rows ?? [];

  const readiness = async (service: ServiceName) => {
    const response = await fetch(`${system.urls(service)[0]}/health/ready`);
    return { code: response.status, ...((await response.json()) as { status: string }) };
  };

  async function untilRecovered(): Promise<void> {
    for (const service of services)
      await eventually(async () => {
        expect({ service, ...(await readiness(service)) }).toMatchObject({ service, status: 'ok' });
        if (service === 'user') return;
        expect(await rows(service, 'SELECT 1 FROM messaging.queue WHERE whole_at IS NOT NULL')).toHaveLength(
          1,
        );
        expect(await rows(service, 'SELECT 1 FROM messaging.copy WHERE completed_at IS NULL')).toEqual([]);
        expect(await rows(service, 'SELECT 1 FROM messaging.recovery WHERE completed_at IS NULL')).toEqual(
          [],
        );
      }, aMinute);
  }

  const noticesOf = ({ id }: Person) =>
    rows(
      'notification',
      `SELECT
        (SELECT count(*)::int FROM notifications WHERE user_id = $1 AND kind = 'payment-received') AS notices,
        (SELECT count(*)::int FROM deliveries WHERE user_id = $1 AND channel = 'email') AS mails`,
      [id],
    );

  /** Lets people register and pay right after the loss, and expects one notification and one mail. */
  async function expectStory(): Promise<void> {
    const [ada, grace] = [await Person.register(system, 'Ada'), await Person.register(system, 'Grace')];
    let paid = { status: 0, body: {} as Record<string, unknown> };
    await eventually(async () => {
      paid = await ada.pay(grace, 1250);
      expect(paid.status).toBe(201);
    }, aMinute);
    await eventually(async () => expect(await noticesOf(grace)).toEqual([{ notices: 1, mails: 1 }]), aMinute);
    ada.leave();
    grace.leave();
    await untilRecovered();
  }

  it('lose no event when the events exchange is deleted, and need no restart', async () => {
    const channel = await model.createChannel();
    await channel.deleteExchange('warren.events');
    await channel.close();
    await expectStory();
  }, 200_000);

  it('handle every event once that is published after their queues were deleted', async () => {
    const channel = await model.createChannel();
    for (const service of ['notification', 'payment']) await channel.deleteQueue(`warren.${service}.events`);
    await channel.close();
    await expectStory();
  }, 200_000);

  it('handle the events of their queues after the broker lost all data, and serve as degraded meanwhile', async () => {
    await system.kill('notification');
    const [ada, grace] = [await Person.register(system, 'Ada'), await Person.register(system, 'Grace')];
    await eventually(async () => expect((await ada.pay(grace, 1250)).status).toBe(201), aMinute);
    const published = `SELECT 1 FROM messaging.outbox WHERE type = 'payment.succeeded' AND published_at IS NULL`;
    await eventually(async () => expect(await rows('payment', published)).toEqual([]));
    await model.close();
    await broker.empty();
    model = await openModel();
    await eventually(async () => expect((await readiness('payment')).code).toBe(200));
    await system.restart('notification');
    await eventually(async () => expect(await noticesOf(grace)).toMatchObject([{ notices: 1 }]), aMinute);
    ada.leave();
    grace.leave();
    await expectStory();
  }, 240_000);
});
