import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cleanup, testBroker, testDatabase } from '@warren/testing';
import { Child } from './processes/child.js';

const startTimeoutMs = 60_000;
const linesShown = 30;

/** Creates private databases, vhosts and processes for the systems under test. `cleanup` removes all of them. */
export class Bench {
  readonly cleanup = new Cleanup();
  readonly #logs: string;
  readonly #cpuProf: string | undefined;

  static async create(cpuProf: string | undefined): Promise<Bench> {
    return new Bench(await mkdtemp(join(tmpdir(), 'warren-bench-')), cpuProf);
  }

  private constructor(logs: string, cpuProf: string | undefined) {
    this.#logs = logs;
    this.#cpuProf = cpuProf;
    this.cleanup.defer('logs', () => rm(logs, { recursive: true, force: true }));
  }

  /** Creates a vhost and returns its URL. */
  async broker(): Promise<string> {
    const broker = await testBroker();
    this.cleanup.defer('vhost', () => broker.close());
    if (broker.isolated) return broker.url;
    throw new Error('The benchmark needs a vhost for each system: set WARREN_TEST_AMQP_MANAGEMENT_URL.');
  }

  /** Creates an empty database and returns its URL. */
  async database(): Promise<string> {
    const database = await testDatabase();
    this.cleanup.defer('database', () => database.close());
    return database.url;
  }

  /** Starts a process that answers questions. */
  async process(name: string, script: URL, nodeArguments: string[] = []): Promise<Child> {
    return this.#start(name, script, {}, nodeArguments);
  }

  /** Starts a server, and resolves once it listens. */
  async server(name: string, script: URL, env: Record<string, string>): Promise<Server> {
    const profiling = this.#cpuProf
      ? ['--cpu-prof', `--cpu-prof-dir=${this.#cpuProf}`, `--cpu-prof-name=${name}.cpuprofile`]
      : [];
    const child = await this.#start(name, script, env, profiling);
    return { child, port: await child.ask<number>('ready', undefined, startTimeoutMs) };
  }

  /** The last lines of each process's output. */
  async lastOutput(): Promise<string> {
    const files = await readdir(this.#logs);
    const texts = await Promise.all(files.map((file) => readFile(join(this.#logs, file), 'utf8')));
    const tails = texts.map((text, index) => {
      const lines = text.trimEnd().split('\n').slice(-linesShown);
      return text === '' ? '' : `--- ${files[index]}\n${lines.join('\n')}\n`;
    });
    return tails.join('');
  }

  async #start(
    name: string,
    script: URL,
    env: Record<string, string>,
    nodeArguments: string[],
  ): Promise<Child> {
    const logFile = join(this.#logs, `${name}.log`);
    const child = await Child.start({ name, script, env, logFile, nodeArguments });
    this.cleanup.defer(name, () => child.stop());
    return child;
  }
}

export interface Server {
  child: Child;
  port: number;
}

/**
 * Runs a benchmark with its own bench, and cleans up afterwards, also on SIGINT and SIGTERM. If the benchmark fails,
 * prints the last output of its processes to stderr. `cpuProf` is the folder for CPU profiles.
 */
export async function withBench<T>(
  cpuProf: string | undefined,
  work: (bench: Bench) => Promise<T>,
): Promise<T> {
  const bench = await Bench.create(cpuProf);
  const stop = () => void cleanUp(bench).then(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    return await work(bench);
  } catch (error) {
    process.stderr.write(await bench.lastOutput());
    throw error;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await cleanUp(bench);
  }
}

async function cleanUp({ cleanup }: Bench): Promise<void> {
  for (const failure of await cleanup.run()) console.error(failure);
}
