import { join } from 'node:path';
import { type Cleanup, quietPorts } from '@warren/testing';
import { instanceCount, type Service, services } from '../services.js';
import { Instance } from './instance.js';
import { Link } from './links.js';
import type { Postgres } from './postgres.js';

/** An instance of a service and its links to the broker and the database. */
export interface Node {
  instance: Instance;
  broker: Link;
  database: Link;
}

export interface Servers {
  postgres: Postgres;
  broker: { url: string };
}

export type Nodes = Readonly<Record<Service, Node[]>>;
/** The load balancer of each service. Each connection goes to the next instance. */
export type Balancers = Readonly<Record<Service, Link>>;

/** The same for all services. */
const environment = {
  HOST: '127.0.0.1',
  LOG_LEVEL: 'info',
  DRAIN_SECONDS: '2',
  /** People sign in only once, and a run may last longer than the default. */
  ACCESS_TOKEN_SECONDS: '86400',
  SANDBOX_SLOW_MS: '3000',
  /** All people share one network address, and registrations are repeated when an answer is lost. */
  REGISTRATIONS_PER_MINUTE: '1000000',
  MAILS_PER_HOUR: '1000000',
  /** Few people send many requests. */
  PAYMENTS_PER_MINUTE: '1000000',
  REQUESTS_PER_MINUTE: '1000000',
};

/** Creates the instances, which are not started yet, and their links. `logs` is the folder for their output. */
export async function createNodes(
  servers: Servers,
  logs: string,
  cleanup: Cleanup,
  record: (pid: number) => Promise<void>,
): Promise<{ nodes: Nodes; balancers: Balancers }> {
  const ports = await quietPorts(services.length * (1 + instanceCount * 2));
  const next = () => ports.pop() as number;
  const publicPorts = perService(() => Array.from({ length: instanceCount }, next));
  const internalPorts = perService(() => Array.from({ length: instanceCount }, next));
  const balancers = {} as Record<Service, Link>;
  for (const service of services) balancers[service] = await link(publicPorts[service], cleanup, next());
  const brokerPort = Number(new URL(servers.broker.url).port);

  const nodes = perService((): Node[] => []);
  for (const service of services) {
    for (const [index, port] of publicPorts[service].entries()) {
      const broker = await link([brokerPort], cleanup);
      const database = await link([servers.postgres.port], cleanup);
      const amqp = new URL(servers.broker.url);
      amqp.port = String(broker.port);
      const instance = new Instance({
        service,
        index,
        port,
        logFile: join(logs, `${service}-${index}.log`),
        started: record,
        env: {
          ...environment,
          PORT: String(port),
          INTERNAL_PORT: String(internalPorts[service][index]),
          NODE_ID: `${service}-${index}`,
          USER_SERVICE_URL: `http://127.0.0.1:${balancers.user.port}`,
          REVOCATIONS_URL: `http://127.0.0.1:${internalPorts.user[0]}/internal/revocations`,
          DATABASE_URL: servers.postgres.url(service, database.port),
          AMQP_URL: amqp.href,
        },
      });
      cleanup.add(instance.name, instance);
      nodes[service].push({ instance, broker, database });
    }
  }
  return { nodes, balancers };
}

async function link(targets: readonly number[], cleanup: Cleanup, port?: number): Promise<Link> {
  return cleanup.add('link', await Link.to(targets, port));
}

function perService<T>(make: () => T): Record<Service, T> {
  return Object.fromEntries(services.map((service) => [service, make()])) as Record<Service, T>;
}
