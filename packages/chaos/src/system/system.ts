import { type BrokerProcess, openWorkshop, quietPorts, startBrokerProcess } from '@warren/testing';
import { type Service, services } from '../services.js';
import type { Instance } from './instance.js';
import type { Link } from './links.js';
import { type Balancers, layOut, type Nodes } from './nodes.js';
import { Opened } from './opened.js';
import { Postgres } from './postgres.js';

/**
 * Two instances of each service on a broker and a database server of their own. Everything that a service says to
 * its servers, and every client to a service, goes through a link that can be broken.
 */
export class System {
  readonly broker: BrokerProcess;
  readonly postgres: Postgres;
  readonly nodes: Nodes;
  readonly balancers: Balancers;
  readonly #opened: Opened;

  private constructor(parts: Pick<System, 'broker' | 'postgres' | 'nodes' | 'balancers'>, opened: Opened) {
    this.broker = parts.broker;
    this.postgres = parts.postgres;
    this.nodes = parts.nodes;
    this.balancers = parts.balancers;
    this.#opened = opened;
  }

  /** `logs`: the folder for what services and servers print. Leaves nothing behind if it fails. */
  static async start(logs: string): Promise<System> {
    const opened = new Opened();
    try {
      const workshop = opened.add(await openWorkshop(), (one) => one.close());
      const [sql = 0, amqp = 0, dist = 0, management = 0, names = 0] = await quietPorts(5);
      const postgres = opened.add(await Postgres.start(workshop, sql, logs), (one) => one.close());
      const broker = await startBrokerProcess(workshop, { amqp, dist, management, names });
      opened.add(broker, (one) => one.close());
      const layout = await layOut({ postgres, broker }, logs, opened, (pid) => workshop.record(pid));
      const system = new System({ postgres, broker, ...layout }, opened);
      await Promise.all(system.instances.map((instance) => instance.start()));
      return system;
    } catch (error) {
      await opened.close().catch(() => undefined); // What failed first is what to tell.
      throw error;
    }
  }

  get instances(): Instance[] {
    return services.flatMap((service) => this.nodes[service].map(({ instance }) => instance));
  }

  /** The way to a service for its people. */
  url(service: Service): string {
    return `http://127.0.0.1:${this.balancers[service].port}`;
  }

  /** The way to each service's database that no fault touches. */
  get databases(): Record<Service, string> {
    const { postgres } = this;
    return {
      user: postgres.url('user'),
      payment: postgres.url('payment'),
      notification: postgres.url('notification'),
    };
  }

  /** Ends whatever still hinders anybody, and waits until every instance is ready. */
  async heal(): Promise<void> {
    for (const link of this.#links) link.heal();
    for (const instance of this.instances) instance.thaw();
    await Promise.all(this.instances.map((instance) => instance.start()));
  }

  /** Ends everything without ceremony. */
  close(): Promise<void> {
    return this.#opened.close();
  }

  get #links(): Link[] {
    const wires = services.flatMap((service) => this.nodes[service]);
    return [...Object.values(this.balancers), ...wires.flatMap(({ broker, database }) => [broker, database])];
  }
}
