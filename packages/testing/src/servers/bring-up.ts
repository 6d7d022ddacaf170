import { templatesOfRun } from '../template.js';
import { startPostgresContainer, startRabbitMqContainer, startRedisContainer } from './containers.js';
import { serverFromEnvironment } from './from-environment.js';
import { findKustomize } from './kustomize.js';
import { findPgBouncers } from './pgbouncer.js';
import { startPostgresProcess, startRabbitMqProcess, startRedisProcess } from './processes.js';
import { install, installed } from './programs.js';
import { rabbitMq4 } from './rabbitmq4.js';
import { openServerFolder, type ServerFolder } from './server-folder.js';
import { brief, NotAvailable, type StartedServer } from './started-server.js';

export interface BroughtUp {
  /** Variables for the tests' environment. */
  env: Record<string, string>;
  /** Stops only the servers that were started here. */
  stop(): Promise<void>;
}

interface RequiredServer {
  product: string;
  variable: string;
  /** The Debian package that contains it. */
  package: string;
  container(): Promise<StartedServer>;
  process(serverFolder: ServerFolder): Promise<StartedServer>;
}

const requiredServers: RequiredServer[] = [
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
 * Finds or starts the servers that the tests need. For each it uses the first way that works: an address in the
 * environment, a container, a private process of an installed program, or the same after installing the program. It
 * reports which way it used. If a server is not available, it stops the others and throws one sentence per server.
 */
export async function bringUp(say: (line: string) => void): Promise<BroughtUp> {
  const serverFolder = await openServerFolder();
  const started: StartedServer[] = [];
  const templates = templatesOfRun();
  let database = process.env.WARREN_TEST_DATABASE_URL;
  const stop = async () => {
    // Only for a server that outlives this run; on the others it does no harm.
    if (database) await templates.drop(new URL(database)).catch(() => undefined);
    await Promise.all(started.map((server) => server.stop()));
    await serverFolder.close();
  };
  try {
    const outcomes = await Promise.allSettled(
      requiredServers.map(async (required) => {
        const server = await firstThatWorks(required, serverFolder, say);
        started.push(server);
        say(server.description);
      }),
    );
    const failures = outcomes.flatMap((one) => (one.status === 'rejected' ? [brief(one.reason)] : []));
    if (failures.length > 0) throw new Error(failures.join('\n'));
    const env = Object.assign({}, templates.env, ...started.map((server) => server.env));
    database = env.WARREN_TEST_DATABASE_URL ?? database;
    const broker4 = await rabbitMq4({ ...process.env, ...env });
    started.push(broker4);
    say(broker4.description);
    const renderer = await findKustomize(say);
    say(renderer.description);
    const poolers = await findPgBouncers(say);
    say(poolers.description);
    const optional = { ...broker4.env, ...(await brokerPrograms()), ...renderer.env, ...poolers.env };
    return { env: { ...env, ...optional }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Tests that stop and kill a broker need an installed one, even if the other tests use a container. */
async function brokerPrograms(): Promise<Record<string, string>> {
  try {
    await installed('rabbitmq-server');
    return {};
  } catch (error) {
    return { WARREN_TEST_RABBITMQ_PROCESS_UNAVAILABLE: brief(error) };
  }
}

async function firstThatWorks(
  required: RequiredServer,
  serverFolder: ServerFolder,
  say: (line: string) => void,
): Promise<StartedServer> {
  const ways = [
    () => serverFromEnvironment(required.product, required.variable),
    () => required.container(),
    () => required.process(serverFolder),
    async () => {
      await install(required.package, say);
      return required.process(serverFolder);
    },
  ];
  const reasons: string[] = [];
  for (const way of ways) {
    try {
      return await way();
    } catch (error) {
      // A server that the environment names, or that is installed, but fails: report it instead of trying another.
      if (!(error instanceof NotAvailable)) throw error;
      reasons.push(error.message);
    }
  }
  throw new Error(`${required.product} is missing: ${reasons.join('; ')}.`);
}
