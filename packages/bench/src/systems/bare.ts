import { randomUUID } from 'node:crypto';
import type { System } from './system.js';

/** The baseline: hand-written with fastify, pg, amqplib and socket.io. A person's token is their id. */
export const bare: System = {
  name: 'bare',
  async start(bench, people) {
    const amqp = await bench.broker();
    const script = (name: string) => new URL(`../bare/${name}.js`, import.meta.url);
    const env = async () => ({ AMQP_URL: amqp, DATABASE_URL: await bench.database() });
    const notification = await bench.server('bare-notification', script('notification'), await env());
    const payment = await bench.server('bare-payment', script('payment'), await env());
    const crowd = () =>
      Array.from({ length: people }, () => {
        const id = randomUUID();
        return { id, token: id };
      });
    return {
      servers: [payment, notification],
      target: {
        name: 'bare',
        paymentsUrl: `http://127.0.0.1:${payment.port}/payments`,
        socketUrl: `http://127.0.0.1:${notification.port}/notification`,
        payers: crowd(),
        recipients: crowd(),
      },
    };
  },
};
