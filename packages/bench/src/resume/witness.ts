import { randomUUID } from 'node:crypto';
import { createRabbitMqEventBus } from '@warren/event-bus';
import { type PaymentState, paymentContract } from '@warren/payment-contract';
import type { Cleanup } from '@warren/testing';
import { createUnitOfWork, migrateMessaging } from '@warren/unit-of-work';
import pg from 'pg';
import { pino } from 'pino';
import { io, type Socket } from 'socket.io-client';
import type { Person } from '../driver/questions.js';
import { rawStore } from '../warren/raw-store.js';

const timeoutMs = 30_000;

export interface WitnessOptions {
  cleanup: Cleanup;
  /** An empty database for the publisher, which acts as the payment service. */
  databaseUrl: string;
  amqpUrl: string;
  socketUrl: string;
  person: Person;
}

/** Returns a function that publishes a payment, and resolves when the recipient's socket receives the notification. */
export async function openWitness(options: WitnessOptions): Promise<() => Promise<void>> {
  const { cleanup, databaseUrl, amqpUrl, socketUrl, person } = options;
  const log = pino({ level: 'silent' });
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 4 });
  cleanup.defer('publisher’s pool', () => pool.end());
  await migrateMessaging(pool);
  const bus = createRabbitMqEventBus({ url: amqpUrl, service: 'payment', log });
  cleanup.defer('publisher’s bus', () => bus.close());
  const client = rawStore.client(pool);
  const messaging = createUnitOfWork({
    contract: paymentContract,
    client,
    pool,
    bus,
    log,
  });
  cleanup.defer('publisher', () => messaging.stop());
  await messaging.start({ handlers: [] });
  const socket = io(socketUrl, { transports: ['websocket'], auth: { token: person.token } });
  cleanup.defer('witness', async () => void socket.disconnect());
  const notificationOf = await notifications(socket);
  return async () => {
    const payment = stateOf(person);
    const received = notificationOf(payment.id);
    await messaging.uow.run(async (tx) => {
      tx.publish({ type: 'payment.succeeded', subject: payment.id, version: 1, data: payment });
    });
    await received;
  };
}

async function notifications(socket: Socket): Promise<(paymentId: string) => Promise<void>> {
  const waiting = new Map<string, () => void>();
  socket.on('notification.created', ({ notification }: { notification: { data: { paymentId: string } } }) =>
    waiting.get(notification.data.paymentId)?.(),
  );
  await new Promise<void>((resolve) => socket.once('session.ready', () => resolve()));
  return (paymentId) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no notification within ${timeoutMs} ms`)), timeoutMs);
      waiting.set(paymentId, () => {
        clearTimeout(timer);
        waiting.delete(paymentId);
        resolve();
      });
    });
}

function stateOf({ id }: Person): PaymentState {
  const at = new Date().toISOString();
  return {
    id: randomUUID(),
    payerId: id,
    recipientId: id,
    amount: 100,
    currency: 'EUR',
    amountRefunded: 0,
    status: 'succeeded',
    description: null,
    version: 1,
    createdAt: at,
    updatedAt: at,
  };
}
