import { randomUUID } from 'node:crypto';
import type { Channel, ConsumeMessage } from 'amqplib';
import Fastify from 'fastify';
import { Pool } from 'pg';
import { type DefaultEventsMap, Server } from 'socket.io';
import { listenOnLoopback, type Served, serving } from '../processes/serving.js';
import { Batches } from './batches.js';
import { connectBroker, exchange, notificationTables, paymentSucceeded, queue } from './setup.js';

interface PaymentSucceeded {
  id: string;
  data: { id: string; payerId: string; recipientId: string; amount: number; currency: string };
}

interface Notification {
  id: string;
  userId: string;
  kind: string;
  title: string;
  body: string;
  data: { paymentId: string };
  version: number;
  createdAt: string;
}

const prefetch = 300;
const batchSize = 100;

serving(async (): Promise<Served> => {
  const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
  await pool.query(notificationTables);

  const app = Fastify();
  const io = new Server<DefaultEventsMap>(app.server, { transports: ['websocket'], serveClient: false });
  io.of('/notification').on('connection', async (socket) => {
    await socket.join(String(socket.handshake.auth.token));
    socket.emit('session.ready', {});
  });
  const port = await listenOnLoopback(app);

  const broker = await connectBroker(process.env.AMQP_URL ?? '');
  const channel = await broker.createChannel();
  await channel.assertExchange(exchange, 'topic', { durable: true });
  await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  await channel.bindQueue(queue, exchange, paymentSucceeded);
  await channel.prefetch(prefetch);
  const batches = new Batches<ConsumeMessage>(batchSize, (batch) => take(pool, io, channel, batch));
  await channel.consume(queue, (message) => message && batches.add(message));

  return {
    port,
    close: async () => {
      await batches.close();
      await broker.close();
      await io.close();
      await app.close();
      await pool.end();
    },
  };
});

async function take(pool: Pool, io: Server, channel: Channel, batch: ConsumeMessage[]): Promise<void> {
  const events = batch.map((message) => JSON.parse(message.content.toString()) as PaymentSucceeded);
  const created = await recordNotifications(pool, events);
  for (const { userId, ...notification } of created) {
    io.of('/notification').to(userId).emit('notification.created', { notification });
  }
  const last = batch.at(-1);
  if (last) channel.ack(last, true);
}

async function recordNotifications(pool: Pool, events: PaymentSucceeded[]): Promise<Notification[]> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const { rows } = await client.query<{ event_id: string }>(
      'insert into inbox (event_id) select unnest($1::uuid[]) on conflict do nothing returning event_id',
      [events.map((event) => event.id)],
    );
    const fresh = new Set(rows.map((row) => row.event_id));
    const created = events.filter((event) => fresh.has(event.id)).map(notificationOf);
    await client.query(
      `insert into notification (id, user_id, kind, title, body, data, version, created_at)
       select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::int[], $8::timestamptz[])`,
      [
        created.map((one) => one.id),
        created.map((one) => one.userId),
        created.map((one) => one.kind),
        created.map((one) => one.title),
        created.map((one) => one.body),
        created.map((one) => JSON.stringify(one.data)),
        created.map((one) => one.version),
        created.map((one) => one.createdAt),
      ],
    );
    await client.query('commit');
    return created;
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

function notificationOf({ data: payment }: PaymentSucceeded): Notification {
  return {
    id: randomUUID(),
    userId: payment.recipientId,
    kind: 'payment-received',
    title: 'You received money',
    body: `${payment.amount} ${payment.currency} from ${payment.payerId}`,
    data: { paymentId: payment.id },
    version: 1,
    createdAt: new Date().toISOString(),
  };
}
