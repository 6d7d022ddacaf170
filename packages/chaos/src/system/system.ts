import {
  type BrokerProcess,
  Cleanup,
  openServerFolder,
  quietPorts,
  startBrokerProcess,
} from '@warren/testing';
import { type Service, services } from '../services.js';
import type { Instance } from './instance.js';
import type { Link } from './links.js';
import { type Balancers, createNodes, type Nodes } from './nodes.js';
import { Postgres } from './postgres.js';

/**
 * Two instances of each service with a private broker and database server. All connections from a service to its
 * servers, and from clients to a service, go through links that can fail.
 */
export class System {
  readonly broker: BrokerProcess;
  readonly postgres: Postgres;
  readonly nodes: Nodes;
  readonly balancers: Balancers;
  readonly #cleanup: Cleanup;

  private constructor(parts: Pick<System, 'broker' | 'postgres' | 'nodes' | 'balancers'>, cleanup: Cleanup) {
    this.broker = parts.broker;
    this.postgres = parts.postgres;
    this.nodes = parts.nodes;
    this.balancers = parts.balancers;
    this.#cleanup = cleanup;
  }

  /** `logs` is the folder for the output of services and servers. Stops everything again if the start fails. */
  static async start(logs: string): Promise<System> {
    const cleanup = new Cleanup();
    try {
      const serverFolder = cleanup.add('server folder', await openServerFolder());
      const [sql = 0, amqp = 0, dist = 0, management = 0, names = 0] = await quietPorts(5);
      const postgres = cleanup.add('PostgreSQL', await Postgres.start(serverFolder, sql, logs));
      const broker = await startBrokerProcess(serverFolder, { amqp, dist, management, names });
      cleanup.add('RabbitMQ', broker);
      const layout = await createNodes({ postgres, broker }, logs, cleanup, (pid) =>
        serverFolder.record(pid),
      );
      const system = new System({ postgres, broker, ...layout }, cleanup);
      await Promise.all(system.instances.map((instance) => instance.start()));
      return system;
    } catch (error) {
      await cleanup.run();
      throw error;
    }
  }

  get instances(): Instance[] {
    return services.flatMap((service) => this.nodes[service].map(({ instance }) => instance));
  }

  /** The URL of a service for clients. */
  url(service: Service): string {
    return `http://127.0.0.1:${this.balancers[service].port}`;
  }

  /** The URLs of the services' databases without the links that faults affect. */
  get databases(): Record<Service, string> {
    const { postgres } = this;
    return {
      user: postgres.url('user'),
      payment: postgres.url('payment'),
      notification: postgres.url('notification'),
    };
  }

  /** Ends all faults, and waits until every instance is ready. */
  async heal(): Promise<void> {
    for (const link of this.#links) link.heal();
    for (const instance of this.instances) instance.thaw();
    await Promise.all(this.instances.map((instance) => instance.start()));
  }

  /** Ends all processes. Rejects with the first failure after trying to end all of them. */
  async close(): Promise<void> {
    const [failure] = await this.#cleanup.run();
    if (failure) throw failure;
  }

  get #links(): Link[] {
    const wires = services.flatMap((service) => this.nodes[service]);
    return [...Object.values(this.balancers), ...wires.flatMap(({ broker, database }) => [broker, database])];
  }
}
