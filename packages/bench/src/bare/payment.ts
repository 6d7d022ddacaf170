import { randomUUID } from 'node:crypto';
import Fastify from 'fastify';
import { Pool } from 'pg';
import { listenOnLoopback, type Served, serving } from '../processes/serving.js';
import { Relay } from './relay.js';
import { connectBroker, exchange, paymentSucceeded, paymentTables } from './setup.js';

interface NewPayment {
  recipientId: string;
  amount: number;
  currency: string;
  description?: string;
}

const newPayment = {
  type: 'object',
  required: ['recipientId', 'amount', 'currency'],
  properties: {
    recipientId: { type: 'string', format: 'uuid' },
    amount: { type: 'integer', minimum: 1 },
    currency: { type: 'string', pattern: '^[A-Z]{3}$' },
    description: { type: 'string', maxLength: 500 },
  },
} as const;

serving(async (): Promise<Served> => {
  const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
  await pool.query(paymentTables);
  const broker = await connectBroker(process.env.AMQP_URL ?? '');
  const channel = await broker.createConfirmChannel();
  await channel.assertExchange(exchange, 'topic', { durable: true });
  const relay = new Relay(pool, channel);

  const app = Fastify();
  app.post<{ Body: NewPayment }>('/payments', { schema: { body: newPayment } }, async (request, reply) => {
    const payerId = (request.headers.authorization ?? '').slice('Bearer '.length);
    const payment = await recordPayment(pool, payerId, request.body);
    relay.nudge();
    return reply.code(201).send(payment);
  });
  const port = await listenOnLoopback(app);

  return {
    port,
    close: async () => {
      await app.close();
      await relay.close();
      await broker.close();
      await pool.end();
    },
  };
});

async function recordPayment(pool: Pool, payerId: string, input: NewPayment) {
  const now = new Date().toISOString();
  const payment = {
    id: randomUUID(),
    payerId,
    recipientId: input.recipientId,
    amount: input.amount,
    currency: input.currency,
    amountRefunded: 0,
    status: 'succeeded',
    description: input.description ?? null,
    version: 1,
    createdAt: now,
    updatedAt: now,
  };
  const event = {
    specversion: '1.0',
    id: randomUUID(),
    source: '/services/payment',
    type: paymentSucceeded,
    subject: payment.id,
    time: now,
    datacontenttype: 'application/json',
    dataschema: 'urn:warren:schema:payment.succeeded',
    entityversion: 1,
    correlationid: randomUUID(),
    data: payment,
  };
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query(
      `insert into payment (id, payer_id, recipient_id, amount, currency, status, description, version, created_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        payment.id,
        payerId,
        input.recipientId,
        input.amount,
        input.currency,
        'succeeded',
        payment.description,
        1,
        now,
      ],
    );
    await client.query('insert into outbox (id, type, body) values ($1, $2, $3)', [
      event.id,
      event.type,
      JSON.stringify(event),
    ]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
  return payment;
}
