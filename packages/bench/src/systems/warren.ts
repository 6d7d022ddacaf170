import type { Bench } from '../bench.js';
import { kitEnvironment } from './kit-environment.js';
import type { RunningSystem, System } from './system.js';
import { createTokens } from './tokens.js';

/** The bare pipeline's work on the kit, written like Warren's services: Prisma's client, with SQL on hot paths. */
export const warren: System = pair('warren', 'prisma-sql');

/** The same with Prisma's model operations. */
export const warrenOrm: System = pair('warren-orm', 'prisma-orm');

/** The same without Prisma. */
export const warrenRaw: System = pair('warren-raw', 'raw');

function pair(name: string, store: string): System {
  return { name, start: (bench, people) => start(bench, people, name, store) };
}

async function start(bench: Bench, people: number, name: string, store: string): Promise<RunningSystem> {
  const tokens = await createTokens();
  const amqp = await bench.broker();
  const server = async (service: string) => {
    const env = await kitEnvironment(bench, amqp);
    const script = new URL('../warren/main.js', import.meta.url);
    return bench.server(`${name}-${service}`, script, {
      ...env,
      BENCH_SERVICE: service,
      BENCH_STORE: store,
      BENCH_JWKS: tokens.jwks,
    });
  };
  const notification = await server('notification');
  const payment = await server('payment');
  return {
    servers: [payment, notification],
    target: {
      name,
      paymentsUrl: `http://127.0.0.1:${payment.port}/payments`,
      socketUrl: `http://127.0.0.1:${notification.port}/notification`,
      payers: await tokens.people(people),
      recipients: await tokens.people(people),
    },
  };
}
