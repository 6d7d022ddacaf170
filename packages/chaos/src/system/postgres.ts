import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureDatabases, type LocalPostgres, startLocalPostgres } from '@warren/local-postgres';
import type { ServerFolder } from '@warren/testing';
import { type Service, services } from '../services.js';

/** A durable server with the databases of all services. It can be stopped, killed and started again. */
export class Postgres {
  readonly port: number;
  readonly #serverFolder: ServerFolder;
  readonly #logs: string;
  #server: LocalPostgres;
  #starts = 1;

  private constructor(serverFolder: ServerFolder, port: number, logs: string, server: LocalPostgres) {
    this.#serverFolder = serverFolder;
    this.port = port;
    this.#logs = logs;
    this.#server = server;
  }

  /** `logs` is the folder for its output, one file per start. */
  static async start(serverFolder: ServerFolder, port: number, logs: string): Promise<Postgres> {
    const postgres = new Postgres(serverFolder, port, logs, await launch(serverFolder, port));
    await ensureDatabases(postgres.#server.url('postgres'), services.map(databaseOf));
    return postgres;
  }

  get description(): string {
    return this.#server.description;
  }

  /** The URL of a service's database, directly or through a proxy on `port`. */
  url(service: Service, port = this.port): string {
    const url = new URL(this.#server.url(databaseOf(service)));
    url.port = String(port);
    return url.href;
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }

  /** Kills the postmaster with SIGKILL. Its children end by themselves. */
  async kill(): Promise<void> {
    process.kill(this.#server.pid, 'SIGKILL');
    await this.#server.ended;
  }

  /** Starts the server again. It recovers all committed data. */
  async startAgain(): Promise<void> {
    await this.#keepLog();
    this.#starts += 1;
    this.#server = await launch(this.#serverFolder, this.port);
  }

  async close(): Promise<void> {
    await this.stop();
    await this.#keepLog();
  }

  /** Copies the log, because the next start overwrites it. */
  async #keepLog(): Promise<void> {
    const from = join(folderIn(this.#serverFolder), 'postgres.log');
    await copyFile(from, join(this.#logs, `postgres-${this.#starts}.log`));
  }
}

const databaseOf = (service: Service) => `warren_${service}`;
const folderIn = (serverFolder: ServerFolder) => join(serverFolder.path, 'postgres');

async function launch(serverFolder: ServerFolder, port: number): Promise<LocalPostgres> {
  const server = await startLocalPostgres({ folder: folderIn(serverFolder), port });
  await serverFolder.record(server.pid);
  return server;
}
