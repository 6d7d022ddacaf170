import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testBroker, testDatabase } from '@warren/testing';
import { Child } from './processes/child.js';
import { Cleanup } from './processes/cleanup.js';

const startWithinMs = 60_000;
const linesShown = 30;

/** What systems are made of: own databases, own vhosts, own processes. All goes with `cleanup`. */
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

  /** The URL of a vhost of its own. */
  async broker(): Promise<string> {
    const broker = await testBroker();
    this.cleanup.defer('vhost', () => broker.close());
    if (broker.isolated) return broker.url;
    throw new Error('The bench needs a vhost for each system: set WARREN_TEST_AMQP_MANAGEMENT_URL.');
  }

  /** The URL of an empty database of its own. */
  async database(): Promise<string> {
    const database = await testDatabase();
    this.cleanup.defer('database', () => database.close());
    return database.url;
  }

  /** A process that only answers. */
  async process(name: string, script: URL, nodeArguments: string[] = []): Promise<Child> {
    return this.#start(name, script, {}, nodeArguments);
  }

  /** A server; resolves once it listens. */
  async server(name: string, script: URL, env: Record<string, string>): Promise<Server> {
    const profiling = this.#cpuProf
      ? ['--cpu-prof', `--cpu-prof-dir=${this.#cpuProf}`, `--cpu-prof-name=${name}.cpuprofile`]
      : [];
    const child = await this.#start(name, script, env, profiling);
    return { child, port: await child.ask<number>('ready', undefined, startWithinMs) };
  }

  /** The last lines of what each process printed. */
  async lastWords(): Promise<string> {
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
 * Runs a benchmark on a bench of its own, and cleans up whatever becomes of it, also on SIGINT and SIGTERM. Where the work
 * fails, the last that its processes printed goes to stderr. `cpuProf`: the folder for CPU profiles, if wanted.
 */
export async function withBench(
  cpuProf: string | undefined,
  work: (bench: Bench) => Promise<void>,
): Promise<void> {
  const bench = await Bench.create(cpuProf);
  const stop = () => void bench.cleanup.run().then(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    await work(bench);
  } catch (error) {
    process.stderr.write(await bench.lastWords());
    throw error;
  } finally {
    await bench.cleanup.run();
  }
}
