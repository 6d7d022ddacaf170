import { startPostgresContainer, startRabbitMqContainer, startRedisContainer } from './containers.js';
import { given } from './given.js';
import { install } from './install.js';
import { kustomize } from './kustomize.js';
import { pgBouncers } from './pgbouncer.js';
import { startPostgresProcess } from './postgres.js';
import { installed } from './programs.js';
import { startRabbitMqProcess } from './rabbitmq.js';
import { rabbitMq4 } from './rabbitmq4.js';
import { startRedisProcess } from './redis.js';
import { brief, NotHere, type Started } from './started.js';
import { openWorkshop, type Workshop } from './workshop.js';

export interface BroughtUp {
  /** For the tests' environment. */
  env: Record<string, string>;
  /** Stops what was started, and nothing else. */
  stop(): Promise<void>;
}

interface Need {
  product: string;
  variable: string;
  /** The Debian package that brings it. */
  package: string;
  container(): Promise<Started>;
  process(workshop: Workshop): Promise<Started>;
}

const needs: Need[] = [
  {
    product: 'RabbitMQ',
    variable: 'WARREN_TEST_AMQP_URL',
    package: 'rabbitmq-server',
    container: () => startRabbitMqContainer(),
    process: startRabbitMqProcess,
  },
  {
    product: 'PostgreSQL',
    variable: 'WARREN_TEST_DATABASE_URL',
    package: 'postgresql',
    container: startPostgresContainer,
    process: startPostgresProcess,
  },
  {
    product: 'Redis',
    variable: 'WARREN_TEST_REDIS_URL',
    package: 'redis-server',
    container: startRedisContainer,
    process: startRedisProcess,
  },
];

/**
 * Finds or brings the servers that the tests need, each by the first way that works: an address in the environment,
 * a container, a private process of an installed program, the same after installing it. Says which it chose.
 * Throws one sentence per server that can't be had, after stopping the others.
 */
export async function bringUp(say: (line: string) => void): Promise<BroughtUp> {
  const workshop = await openWorkshop();
  const started: Started[] = [];
  const stop = async () => {
    await Promise.all(started.map((server) => server.stop()));
    await workshop.close();
  };
  try {
    const outcomes = await Promise.allSettled(
      needs.map(async (need) => {
        const server = await firstThatWorks(need, workshop, say);
        started.push(server);
        say(server.what);
      }),
    );
    const failures = outcomes.flatMap((one) => (one.status === 'rejected' ? [brief(one.reason)] : []));
    if (failures.length > 0) throw new Error(failures.join('\n'));
    const env = Object.assign({}, ...started.map((server) => server.env));
    const second = await rabbitMq4({ ...process.env, ...env });
    started.push(second);
    say(second.what);
    const renderer = await kustomize(say);
    say(renderer.what);
    const poolers = await pgBouncers(say);
    say(poolers.what);
    const optional = { ...second.env, ...(await brokerPrograms()), ...renderer.env, ...poolers.env };
    return { env: { ...env, ...optional }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Tests that stop and kill a broker need an installed one, also where the others' is in a container. */
async function brokerPrograms(): Promise<Record<string, string>> {
  try {
    await installed('rabbitmq-server');
    return {};
  } catch (error) {
    return { WARREN_TEST_RABBITMQ_PROCESS_UNAVAILABLE: brief(error) };
  }
}

async function firstThatWorks(need: Need, workshop: Workshop, say: (line: string) => void): Promise<Started> {
  const ways = [
    () => given(need.product, need.variable),
    () => need.container(),
    () => need.process(workshop),
    async () => {
      await install(need.package, say);
      return need.process(workshop);
    },
  ];
  const reasons: string[] = [];
  for (const way of ways) {
    try {
      return await way();
    } catch (error) {
      // A server that was named, or that is here and fails, is a fault to tell and not to work around.
      if (!(error instanceof NotHere)) throw error;
      reasons.push(error.message);
    }
  }
  throw new Error(`${need.product} is missing: ${reasons.join('; ')}.`);
}
