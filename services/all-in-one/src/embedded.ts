import { join } from 'node:path';
import { createMemoryEventBus } from '@warren/event-bus';
import { ensureDatabases, startLocalPostgres } from '@warren/local-postgres';
import { createMemoryNodes } from '@warren/node-bus';
import type { Environment } from '@warren/service-kit';
import { localSettings, serviceEnvironment } from './environment.js';
import { type Running, unwinding } from './running.js';
import type { HostedService } from './services.js';

/** Runs all services in this process, with an embedded PostgreSQL and a bus in memory. */
export function startEmbedded(
  services: readonly HostedService[],
  dataDir: string,
  ports: ReadonlyMap<string, number>,
  env: Environment & { readonly HOST: string },
  asked: AbortSignal,
): Promise<Running> {
  return unwinding(async (stack) => {
    const postgres = await startLocalPostgres({ folder: join(dataDir, 'postgres') });
    stack.push(() => postgres.stop());
    await ensureDatabases(
      postgres.url('postgres'),
      services.map(({ database }) => database),
    );

    const bus = createMemoryEventBus({
      queues: Object.fromEntries(services.map(({ name, consumes }) => [name, consumes])),
    });
    stack.push(() => bus.close());
    const nodes = createMemoryNodes();
    const settings = { ...(await localSettings(dataDir)), ...env };
    for (const service of services) {
      asked.throwIfAborted();
      const databaseUrl = postgres.url(service.database);
      const running = await service.start(serviceEnvironment(service, ports, databaseUrl, settings), {
        bus,
        nodes,
      });
      stack.push(() => running.stop());
    }
    return {
      facts: [
        `Database   ${postgres.description}, one database for each service, in ${dataDir}`,
        'Bus        in memory, inside this process',
        '',
        'This is for trying Warren out. A deployment runs each service in processes of its own, with RabbitMQ',
        'between them. Set AMQP_URL and DATABASE_URL to run it that way here.',
      ],
      failed: postgres.ended.then(() => {
        throw new Error(`PostgreSQL has ended; its log is in ${join(dataDir, 'postgres')}`);
      }),
      stop: () => stack.stop(),
    };
  });
}
