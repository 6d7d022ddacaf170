import { GenericContainer, type StartedTestContainer, Wait } from 'testcontainers';
import { type BrokerRole, brokerEnv, brokerVersion, checkBroker } from './broker-check.js';
import { engine, ownerLabel, ownerOfContainers, requireImage } from './engine.js';
import type { StartedServer } from './started-server.js';

const startTimeoutMs = 120_000;

/** Names of the images. Variables override them, for example to use another registry. */
export function images() {
  return {
    rabbitmq: process.env.WARREN_TEST_RABBITMQ_IMAGE || 'rabbitmq:4.2',
    postgres: process.env.WARREN_TEST_POSTGRES_IMAGE || 'postgres:18',
    redis: process.env.WARREN_TEST_REDIS_IMAGE || 'redis:8',
  };
}

/** Starts a broker in a container. Throws `NotAvailable` if no Docker engine answers or the image cannot be pulled. */
export async function startRabbitMqContainer(role: BrokerRole = 'AMQP'): Promise<StartedServer> {
  const image = images().rabbitmq;
  const container = await started(image, [5672, 15672], (wanted) =>
    wanted
      // Some images have no entrypoint. The official image's entrypoint runs the same command.
      .withCommand(['rabbitmq-server'])
      .withCopyContentToContainer([
        { content: '[rabbitmq_management].\n', target: '/etc/rabbitmq/enabled_plugins' },
        { content: 'loopback_users = none\n', target: '/etc/rabbitmq/conf.d/90-warren.conf' },
      ])
      .withWaitStrategy(Wait.forLogMessage(/Server startup complete|completed with \d+ plugins/)),
  );
  const at = (port: number) => `${container.getHost()}:${container.getMappedPort(port)}`;
  const url = `amqp://guest:guest@${at(5672)}`;
  const management = `http://guest:guest@${at(15672)}`;
  return stoppingOnFailure(container, async () => {
    await checkBroker(url, management);
    return {
      description: `RabbitMQ ${await brokerVersion(url)}, a container of ${image}`,
      env: brokerEnv(role, url, management),
      stop: () => stop(container),
    };
  });
}

export async function startPostgresContainer(): Promise<StartedServer> {
  const image = images().postgres;
  const container = await started(image, [5432], (wanted) =>
    wanted
      .withEnvironment({ POSTGRES_PASSWORD: 'warren' })
      .withCommand(['postgres', '-c', 'fsync=off', '-c', 'full_page_writes=off', '-c', 'max_connections=400'])
      // The image starts PostgreSQL twice: once to set it up, then to serve.
      .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2)),
  );
  const address = `${container.getHost()}:${container.getMappedPort(5432)}`;
  return {
    description: `PostgreSQL, a container of ${image}`,
    env: { WARREN_TEST_DATABASE_URL: `postgres://postgres:warren@${address}/postgres` },
    stop: () => stop(container),
  };
}

export async function startRedisContainer(): Promise<StartedServer> {
  const image = images().redis;
  const container = await started(image, [6379], (wanted) =>
    wanted.withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/)),
  );
  const address = `${container.getHost()}:${container.getMappedPort(6379)}`;
  return {
    description: `Redis, a container of ${image}`,
    env: { WARREN_TEST_REDIS_URL: `redis://${address}` },
    stop: () => stop(container),
  };
}

async function started(
  image: string,
  ports: number[],
  configure: (wanted: GenericContainer) => GenericContainer,
): Promise<StartedTestContainer> {
  await requireImage(await engine(), image);
  const wanted = new GenericContainer(image)
    .withExposedPorts(...ports)
    .withLabels({ [ownerLabel]: await ownerOfContainers() })
    .withStartupTimeout(startTimeoutMs);
  return configure(wanted).start();
}

async function stoppingOnFailure<T>(container: StartedTestContainer, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await stop(container);
    throw error;
  }
}

async function stop(container: StartedTestContainer): Promise<void> {
  await container.stop({ timeout: 0, remove: true, removeVolumes: true });
}
