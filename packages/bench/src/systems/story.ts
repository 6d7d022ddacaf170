import { register, waitForCopies } from '../story/crowd.js';
import { kitEnvironment } from './kit-environment.js';
import type { System } from './system.js';

/**
 * The real services. They do much more per payment than the bare pipeline: two transactions, an idempotency record, a
 * provider operation, two notifications with counts, four feed entries and two events.
 */
export const story: System = {
  name: 'story',
  async start(bench, people) {
    const amqp = await bench.broker();
    const server = async (service: string, env: Record<string, string>) => {
      const script = new URL('../story/main.js', import.meta.url);
      const common = await kitEnvironment(bench, amqp);
      return bench.server(`story-${service}`, script, { ...common, ...env, BENCH_SERVICE: service });
    };
    const user = await server('user', {});
    const issuer = { USER_SERVICE_URL: urlOf(user) };
    const payment = await server('payment', issuer);
    const notification = await server('notification', issuer);
    const urls = { user: urlOf(user), payment: urlOf(payment), notification: urlOf(notification) };
    const payers = await register(urls, people);
    const recipients = await register(urls, people);
    await waitForCopies(urls, payers, recipients);
    return {
      servers: [user, payment, notification],
      target: {
        name: 'story',
        paymentsUrl: `${urls.payment}/payments`,
        socketUrl: `${urls.notification}/notification`,
        payers,
        recipients,
      },
    };
  },
};

function urlOf({ port }: { port: number }): string {
  return `http://127.0.0.1:${port}`;
}
