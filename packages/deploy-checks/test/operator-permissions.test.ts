import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runCli } from '@warren/cli';
import { brokerNames, createRabbitMqEventBus, type Delivery } from '@warren/event-bus';
import { eventually, named, unavailable } from '@warren/testing';
import { type ChannelModel, connect } from 'amqplib';
import { pino } from 'pino';
import { type BrokerWithUsers, brokerWithUsers } from './support/broker-users.js';

const { deadQueue, eventsQueue } = brokerNames();

const log = pino({ level: 'silent' });

const brokers = [
  { title: 'RabbitMQ', options: undefined, missing: undefined },
  { title: 'RabbitMQ 4', options: { version: 4 }, missing: unavailable('rabbitmq-4') },
] as const;

describe.each(brokers)('the command line as a service’s own broker user', ({ title, options, missing }) => {
  (missing ? describe.skip : describe)(named(title, missing), () => {
    let broker: BrokerWithUsers;
    let model: ChannelModel;
    const taken: Delivery[] = [];

    beforeAll(async () => {
      broker = await brokerWithUsers(options);
      model = await connect(broker.url);
      const [payment, notification] = ['payment', 'notification'].map((service) =>
        createRabbitMqEventBus({ url: broker.urlFor(service), service, authorize: broker.authorize, log }),
      );
      await notification?.subscribe({
        service: 'notification',
        types: ['payment.failed'],
        probe: async () => {},
        async handle(batch) {
          taken.push(...batch);
          const error = new Error('on purpose');
          return batch.map(() => ({ kind: 'dead', reason: 'permanent', error }));
        },
      });
      for (const id of ['one', 'two']) {
        await payment?.publish({ id, type: 'payment.failed', body: JSON.stringify({ time: new Date() }) });
      }
      await eventually(async () => expect((await counts()).dead).toBe(2));
      await Promise.all([payment?.close(), notification?.close()]);
      // The last check of its own bindings may leave a message in the queue.
      const channel = await model.createChannel();
      await channel.purgeQueue(eventsQueue('notification'));
      await channel.close();
    });

    afterAll(async () => {
      await model.close();
      await broker.close();
      // Deleting a vhost with quorum queues is slow on a busy machine.
    }, 60_000);

    async function counts(): Promise<{ events: number; dead: number }> {
      const channel = await model.createChannel();
      const events = await channel.checkQueue(eventsQueue('notification'));
      const dead = await channel.checkQueue(deadQueue('notification'));
      await channel.close();
      return { events: events.messageCount, dead: dead.messageCount };
    }

    /** Runs the command line with the credentials in `url`. */
    async function warren(
      url: string,
      line: string,
    ): Promise<{ code: number; out: string[]; err: string[] }> {
      const out: string[] = [];
      const err: string[] = [];
      const code = await runCli(line.split(' '), {
        env: { AMQP_URL: url },
        out: (text) => void out.push(text),
        err: (text) => void err.push(text),
        signal: new AbortController().signal,
      });
      return { code, out, err };
    }

    it('refuses to retry as a user that the service would not accept, and keeps the letters', async () => {
      const { code, err } = await warren(broker.url, 'dead-letters retry --service notification');
      expect([code, err.join(' ')]).toEqual([1, expect.stringContaining("use the service's own user")]);
      await eventually(async () => expect(await counts()).toEqual({ events: 0, dead: 2 }));
    });

    it('lists, shows, retries and discards dead letters', async () => {
      const own = (line: string) =>
        warren(broker.urlFor('notification'), `${line} --service notification --json`);
      const queues = await own('queues');
      expect([queues.code, queues.out]).toEqual([
        0,
        expect.arrayContaining([expect.stringContaining('.dead')]),
      ]);
      // Returned messages take a moment to reappear in the queue.
      const settled = (events: number, dead: number) =>
        eventually(async () => expect(await counts()).toEqual({ events, dead }));
      await settled(0, 2);
      expect((await own('dead-letters list')).out).toHaveLength(2);
      await settled(0, 2);
      expect((await own('dead-letters show one')).out).toHaveLength(1);
      await settled(0, 2);
      expect((await own('dead-letters retry --id one')).code).toBe(0);
      await settled(1, 1);
      expect((await own('dead-letters discard --all')).code).toBe(0);
      await settled(1, 0);
      expect(taken).toHaveLength(2);
    });

    it('reports that the broker refuses the dead letters of another service', async () => {
      for (const line of ['dead-letters list', 'dead-letters retry']) {
        const { code, out, err } = await warren(broker.urlFor('payment'), `${line} --service notification`);
        expect([code, out]).toEqual([1, []]);
        expect(err.join('\n')).toMatch(/ACCESS_REFUSED/);
      }
    });
  });
});
