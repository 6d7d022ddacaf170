import { GenericContainer, type StartedTestContainer, Wait } from 'testcontainers';
import { answers, brokerVersion } from './broker-answers.js';
import { engine, ownerLabel, ownerOfContainers, requireImage } from './engine.js';
import { type BrokerRole, brokerEnv } from './rabbitmq.js';
import type { Started } from './started.js';

const startWithinMs = 120_000;

/** Names of the images, each overridable for registries of one's own. */
export function images() {
  return {
    rabbitmq: process.env.WARREN_TEST_RABBITMQ_IMAGE || 'rabbitmq:4.2',
    postgres: process.env.WARREN_TEST_POSTGRES_IMAGE || 'postgres:18',
    redis: process.env.WARREN_TEST_REDIS_IMAGE || 'redis:8',
  };
}

/** A broker in a container. Throws `NotHere` where no Docker engine answers or the image can't be had. */
export async function startRabbitMqContainer(role: BrokerRole = 'AMQP'): Promise<Started> {
  const image = images().rabbitmq;
  const container = await started(image, [5672, 15672], (wanted) =>
    wanted
      // Some images have no entrypoint of their own; with the official one's, the command is the same.
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
    await answers(url, management);
    return {
      what: `RabbitMQ ${await brokerVersion(url)}, a container of ${image}`,
      env: brokerEnv(role, url, management),
      stop: () => stop(container),
    };
  });
}

export async function startPostgresContainer(): Promise<Started> {
  const image = images().postgres;
  const container = await started(image, [5432], (wanted) =>
    wanted
      .withEnvironment({ POSTGRES_PASSWORD: 'warren' })
      .withCommand(['postgres', '-c', 'fsync=off', '-c', 'full_page_writes=off', '-c', 'max_connections=400'])
      // The image starts it twice: once to set it up, then to serve.
      .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2)),
  );
  const address = `${container.getHost()}:${container.getMappedPort(5432)}`;
  return {
    what: `PostgreSQL, a container of ${image}`,
    env: { WARREN_TEST_DATABASE_URL: `postgres://postgres:warren@${address}/postgres` },
    stop: () => stop(container),
  };
}

export async function startRedisContainer(): Promise<Started> {
  const image = images().redis;
  const container = await started(image, [6379], (wanted) =>
    wanted.withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/)),
  );
  const address = `${container.getHost()}:${container.getMappedPort(6379)}`;
  return {
    what: `Redis, a container of ${image}`,
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
    .withStartupTimeout(startWithinMs);
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
