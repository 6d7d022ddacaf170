import { quietPorts, testBroker, testDatabase } from '@warren/testing';

import { Program } from './process.js';

export const services = ['user', 'payment', 'notification'] as const;
export type ServiceName = (typeof services)[number];

/** The environment variables of each service, including the addresses of its servers. */
export type Servers = Record<
  ServiceName,
  Record<string, string> & { AMQP_URL: string; DATABASE_URL: string }
>;

/** A running system as its users see it. People use the first URL of a service. */
export interface System {
  urls(service: ServiceName): string[];
  close(): Promise<void>;
}

/** Each service in its own processes with a real broker. Each process can be killed alone. */
export class SeparateSystem implements System {
  readonly #instances = new Map<string, { program?: Program; ports: [number, number] }>();
  readonly #env: Record<ServiceName, Record<string, string>>;
  readonly #closers: (() => Promise<void>)[];

  private constructor(env: Record<ServiceName, Record<string, string>>, closers: (() => Promise<void>)[]) {
    this.#env = env;
    this.#closers = closers;
  }

  /**
   * Starts the services with new databases and a new vhost. `more`: additional variables for all services.
   * `databaseUrl` may change the URL of a service's database, for example to a proxy's.
   */
  static async start(
    instances = 1,
    more: Record<string, string> = {},
    databaseUrl: (url: string) => Promise<string> = async (url) => url,
  ): Promise<SeparateSystem> {
    const broker = await testBroker();
    const databases = await Promise.all(services.map(() => testDatabase()));
    const closers = [...databases.map((database) => () => database.close()), () => broker.close()];
    const urls = await Promise.all(databases.map(({ url }) => databaseUrl(url)));
    const entries = services.map((service, index) => [
      service,
      { AMQP_URL: broker.url, DATABASE_URL: urls[index] ?? '', ...more },
    ]);
    return SeparateSystem.on(Object.fromEntries(entries) as Servers, closers, instances);
  }

  /** Starts the services on existing servers. Calls `closers` when the services have ended, also if they don't start. */
  static async on(
    servers: Servers,
    closers: (() => Promise<void>)[],
    instances = 1,
  ): Promise<SeparateSystem> {
    const ports = await quietPorts(services.length * instances * 2);
    const [userPort, userInternalPort] = ports;
    const env = Object.fromEntries(
      services.map((service) => [
        service,
        {
          USER_SERVICE_URL: `http://127.0.0.1:${userPort}`,
          REVOCATIONS_URL: `http://127.0.0.1:${userInternalPort}/internal/revocations`,
          HOST: '127.0.0.1',
          DRAIN_SECONDS: '1',
          // Tests that wait for a condition send ten requests a second.
          REQUESTS_PER_MINUTE: '100000',
          ...servers[service],
        },
      ]),
    ) as unknown as Record<ServiceName, Record<string, string>>;
    const system = new SeparateSystem(env, closers);
    for (let instance = 0; instance < instances; instance += 1) {
      for (const service of services) {
        system.#instances.set(`${service}/${instance}`, {
          ports: ports.splice(0, 2) as [number, number],
        });
      }
    }
    try {
      // One instance of each service at a time: on two cores, six starting processes would slow each other down.
      for (let instance = 0; instance < instances; instance += 1) await system.#startAll(instance);
    } catch (error) {
      await system.close();
      throw error;
    }
    return system;
  }

  urls(service: ServiceName): string[] {
    return [...this.#instances]
      .filter(([name]) => name.startsWith(`${service}/`))
      .map(([, { ports }]) => `http://127.0.0.1:${ports[0]}`);
  }

  /** The URL of an instance's internal listener. */
  internalUrl(service: ServiceName, instance = 0): string {
    return `http://127.0.0.1:${this.#of(service, instance).ports[1]}`;
  }

  /** The broker's URL with the credentials of a service. */
  broker(service: ServiceName): string {
    return this.#env[service].AMQP_URL as string;
  }

  /** Whether an instance has ended by itself. */
  hasEnded(service: ServiceName, instance = 0): boolean {
    const { exitCode, signalCode } = this.#of(service, instance).program?.child ?? {};
    return exitCode !== null || signalCode !== null;
  }

  async kill(service: ServiceName, instance = 0): Promise<void> {
    await this.#of(service, instance).program?.kill();
  }

  async stop(service: ServiceName, instance = 0): Promise<number | null> {
    return (await this.#of(service, instance).program?.stop()) ?? null;
  }

  /** The last output of an instance. */
  output(service: ServiceName, instance = 0): string {
    return this.#of(service, instance).program?.output ?? '';
  }

  async restart(service: ServiceName, instance = 0): Promise<void> {
    await this.#start(`${service}/${instance}`);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#instances.values()].map(({ program }) => program?.stop()));
    for (const close of this.#closers) await close();
  }

  /** The URL of a service's database. */
  database(service: ServiceName): string {
    return this.#env[service].DATABASE_URL as string;
  }

  /** Rejects only after all starts have settled, so that all can be closed. */
  async #startAll(instance: number): Promise<void> {
    const starting = services.map((service) => this.#start(`${service}/${instance}`));
    const failed = (await Promise.allSettled(starting)).find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
  }

  async #start(name: string): Promise<void> {
    const instance = this.#instances.get(name);
    const service = name.split('/')[0] as ServiceName;
    if (!instance) throw new Error(`no instance ${name}`);
    const [port, internal] = instance.ports;
    instance.program = await Program.start(
      [`services/${service}/dist/main.js`],
      {
        ...this.#env[service],
        PORT: `${port}`,
        INTERNAL_PORT: `${internal}`,
        NODE_ID: name.replace('/', '-'),
      },
      [port],
    );
  }

  #of(service: ServiceName, instance: number) {
    const found = this.#instances.get(`${service}/${instance}`);
    if (!found) throw new Error(`no instance ${instance} of ${service}`);
    return found;
  }
}
