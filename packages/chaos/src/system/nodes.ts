import { join } from 'node:path';
import { quietPorts } from '@warren/testing';
import { instanceCount, type Service, services } from '../services.js';
import { Instance } from './instance.js';
import { Link } from './links.js';
import type { Opened } from './opened.js';
import type { Postgres } from './postgres.js';

/** An instance, and the wires between it and its servers. */
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
/** What is in front of a service: each connection goes to the next instance. */
export type Balancers = Readonly<Record<Service, Link>>;

/** For all services alike. */
const environment = {
  HOST: '127.0.0.1',
  LOG_LEVEL: 'info',
  DRAIN_SECONDS: '2',
  /** A run may be longer than a token usually lives, and its people never sign in again. */
  ACCESS_TOKEN_SECONDS: '86400',
  SANDBOX_SLOW_MS: '3000',
  /** All people come from one network, and who lost an answer registers again. */
  REGISTRATIONS_PER_MINUTE: '1000000',
  MAILS_PER_HOUR: '1000000',
  /** Few people do a lot. */
  PAYMENTS_PER_MINUTE: '1000000',
  REQUESTS_PER_MINUTE: '1000000',
};

/** Wires everything up; nothing is started yet. `logs`: the folder for what the services print. */
export async function layOut(
  servers: Servers,
  logs: string,
  opened: Opened,
  record: (pid: number) => Promise<void>,
): Promise<{ nodes: Nodes; balancers: Balancers }> {
  const ports = await quietPorts(services.length * (1 + instanceCount * 2));
  const next = () => ports.pop() as number;
  const publicPorts = perService(() => Array.from({ length: instanceCount }, next));
  const internalPorts = perService(() => Array.from({ length: instanceCount }, next));
  const balancers = {} as Record<Service, Link>;
  for (const service of services) balancers[service] = await link(publicPorts[service], opened, next());
  const brokerPort = Number(new URL(servers.broker.url).port);

  const nodes = perService((): Node[] => []);
  for (const service of services) {
    for (const [index, port] of publicPorts[service].entries()) {
      const broker = await link([brokerPort], opened);
      const database = await link([servers.postgres.port], opened);
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
      opened.add(instance, (one) => one.close());
      nodes[service].push({ instance, broker, database });
    }
  }
  return { nodes, balancers };
}

async function link(targets: readonly number[], opened: Opened, port?: number): Promise<Link> {
  return opened.add(await Link.to(targets, port), (one) => one.close());
}

function perService<T>(make: () => T): Record<Service, T> {
  return Object.fromEntries(services.map((service) => [service, make()])) as Record<Service, T>;
}
