import { ensureDatabases } from '@warren/local-postgres';
import type { Environment } from '@warren/service-kit';
import { serviceEnvironment, urlOn } from './environment.js';
import { type Running, unwinding } from './running.js';
import type { HostedService } from './services.js';
import { abortion } from './signals.js';
import { supervise } from './supervise.js';

/** Runs each service in a process of its own, on the given servers. */
export function startProcesses(
  services: readonly HostedService[],
  servers: { amqp: string; database: string },
  ports: ReadonlyMap<string, number>,
  env: Environment & { readonly HOST: string },
  asked: AbortSignal,
): Promise<Running> {
  return unwinding(async (stack) => {
    await ensureDatabases(
      servers.database,
      services.map(({ database }) => database),
    );
    const supervised = services.map((service) =>
      supervise({
        name: service.name,
        program: service.program,
        env: {
          ...serviceEnvironment(service, ports, databaseOn(servers.database, service.database), env),
          AMQP_URL: servers.amqp,
          // All services use the same broker user, whatever its name is.
          AMQP_USERS: 'shared',
        },
        readyUrl: `${urlOn(env.HOST, ports.get(service.name), '127.0.0.1')}/health/ready`,
      }),
    );
    stack.push(async () => {
      await Promise.all(supervised.map((child) => child.stop()));
    });
    const failed = Promise.race(supervised.map((child) => child.failed));
    const ready = Promise.all(supervised.map((child) => child.ready()));
    await Promise.race([ready, failed, abortion(asked)]);
    return {
      facts: [
        `Database   PostgreSQL at ${new URL(servers.database).host}, one database for each service`,
        `Bus        RabbitMQ at ${hidden(servers.amqp)}`,
        ...supervised.map((child) => `Process    ${String(child.pid()).padEnd(8)}${child.name}`),
      ],
      failed,
      stop: () => stack.stop(),
    };
  });
}

function databaseOn(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

/** The address without user and password. */
function hidden(address: string): string {
  const url = new URL(address);
  return `${url.host}${url.pathname}`;
}
