import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureDatabases, type LocalPostgres, startLocalPostgres } from '@warren/local-postgres';
import type { Workshop } from '@warren/testing';
import { type Service, services } from '../services.js';

/** The databases of all services, on one durable server that can be stopped, killed and started again. */
export class Postgres {
  readonly port: number;
  readonly #workshop: Workshop;
  readonly #logs: string;
  #server: LocalPostgres;
  #starts = 1;

  private constructor(workshop: Workshop, port: number, logs: string, server: LocalPostgres) {
    this.#workshop = workshop;
    this.port = port;
    this.#logs = logs;
    this.#server = server;
  }

  /** `logs` gets what it wrote, a file a start. */
  static async start(workshop: Workshop, port: number, logs: string): Promise<Postgres> {
    const postgres = new Postgres(workshop, port, logs, await launch(workshop, port));
    await ensureDatabases(postgres.#server.url('postgres'), services.map(databaseOf));
    return postgres;
  }

  get description(): string {
    return this.#server.description;
  }

  /** The way to a service's database, straight or through whatever listens on `port`. */
  url(service: Service, port = this.port): string {
    const url = new URL(this.#server.url(databaseOf(service)));
    url.port = String(port);
    return url.href;
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }

  /** SIGKILL to the postmaster; its children follow. */
  async kill(): Promise<void> {
    process.kill(this.#server.pid, 'SIGKILL');
    await this.#server.ended;
  }

  /** Recovers what was committed, and takes connections again. */
  async startAgain(): Promise<void> {
    await this.#keepLog();
    this.#starts += 1;
    this.#server = await launch(this.#workshop, this.port);
  }

  async close(): Promise<void> {
    await this.stop();
    await this.#keepLog();
  }

  /** Each start begins a new one. */
  async #keepLog(): Promise<void> {
    const from = join(folderIn(this.#workshop), 'postgres.log');
    await copyFile(from, join(this.#logs, `postgres-${this.#starts}.log`));
  }
}

const databaseOf = (service: Service) => `warren_${service}`;
const folderIn = (workshop: Workshop) => join(workshop.folder, 'postgres');

async function launch(workshop: Workshop, port: number): Promise<LocalPostgres> {
  const server = await startLocalPostgres({ folder: folderIn(workshop), port });
  await workshop.record(server.pid);
  return server;
}
