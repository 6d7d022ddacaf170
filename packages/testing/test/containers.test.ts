import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ChannelModel, connect } from 'amqplib';
import { eventually, named } from '../src/index.js';
import { images, startRabbitMqContainer } from '../src/servers/containers.js';
import { engine, requireImage } from '../src/servers/engine.js';
import { NotAvailable, type StartedServer } from '../src/servers/started-server.js';

/** Why containers are not available here. A machine without Docker must still run the other tests. */
const reason = await engine()
  .then((client) => requireImage(client, images().rabbitmq))
  .then(
    () => undefined,
    (error: unknown) => {
      if (!(error instanceof NotAvailable)) throw error;
      return error.message;
    },
  );

(reason ? describe.skip : describe)(named('a broker that testcontainers starts', reason), () => {
  let broker: StartedServer;
  let connection: ChannelModel;

  beforeAll(async () => {
    broker = await startRabbitMqContainer();
    connection = await connect(broker.env.WARREN_TEST_AMQP_URL ?? '');
  }, 180_000);

  afterAll(async () => {
    await connection?.close();
    await broker?.stop();
  });

  it('confirms and delivers a message that is published to a quorum queue', async () => {
    const channel = await connection.createConfirmChannel();
    const { queue } = await channel.assertQueue(`q-${randomUUID()}`, {
      durable: true,
      arguments: { 'x-queue-type': 'quorum' },
    });
    const heard: string[] = [];
    await channel.consume(queue, (message) => {
      if (!message) return;
      heard.push(message.content.toString());
      channel.ack(message);
    });
    channel.sendToQueue(queue, Buffer.from('through a container'));
    await channel.waitForConfirms();
    await eventually(() => expect(heard).toEqual(['through a container']));
  });

  it('offers its management API, with which each test creates its own vhost', async () => {
    const { username, password, origin } = new URL(broker.env.WARREN_TEST_AMQP_MANAGEMENT_URL ?? '');
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    const response = await fetch(`${origin}/api/vhosts`, { headers: { authorization } });
    expect(response.status).toBe(200);
  });
});
