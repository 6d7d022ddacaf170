import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quietPorts } from '@warren/testing';
import { Program } from './process.js';
import { type ServiceName, type System, services } from './system.js';

/** Each service's metrics are on the port at this distance above its own. */
const metricsAbove = 1_000;

/** The system that `npm start` runs: one process with an embedded PostgreSQL and the memory bus. */
export class AllInOne implements System {
  readonly #ports: number[];
  readonly #data: string;
  #program: Program | undefined;

  private constructor(ports: number[], data: string) {
    this.#ports = ports;
    this.#data = data;
  }

  static async start(): Promise<AllInOne> {
    const system = new AllInOne(
      await quietPorts(services.length, { alsoAbove: metricsAbove }),
      await mkdtemp(join(tmpdir(), 'warren-e2e-')),
    );
    await system.restart();
    return system;
  }

  urls(service: ServiceName): string[] {
    return [`http://127.0.0.1:${this.#ports[services.indexOf(service)]}`];
  }

  async restart(): Promise<void> {
    const ports = Object.fromEntries(
      services.map((service, index) => [`${service.toUpperCase()}_PORT`, `${this.#ports[index]}`]),
    );
    const env = { ...ports, WARREN_DATA_DIR: this.#data, DRAIN_SECONDS: '0', REQUESTS_PER_MINUTE: '100000' };
    this.#program = await Program.start(['services/all-in-one/dist/main.js'], env, this.#ports);
  }

  async kill(): Promise<void> {
    await this.#program?.kill();
  }

  async stop(): Promise<number | null> {
    return (await this.#program?.stop()) ?? null;
  }

  async interrupt(): Promise<number | null> {
    return (await this.#program?.interrupt()) ?? null;
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.#data, { recursive: true, force: true });
  }
}
