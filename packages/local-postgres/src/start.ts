import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { findBinaries } from './binaries.js';
import { type ClusterFiles, filesIn, prepare } from './cluster-files.js';
import { identityOf, stop, stopLeftover } from './processes.js';
import { findRunner, type Runner, type RunnerKind } from './runner.js';

export interface LocalPostgresOptions {
  /** Holds all files of the cluster. Created if missing. */
  folder: string;
  /** Whether data survives a crash of the machine. `false` is faster, for test data. Default true. */
  durable?: boolean;
  maxConnections?: number;
  /** Default: a free port, chosen at each start. */
  port?: number;
  /** Tries only this kind. Default: the first kind that works. */
  runner?: RunnerKind;
}

export interface LocalPostgres {
  /** `postgres://postgres:…@127.0.0.1:…/<database>` */
  url(database: string): string;
  pid: number;
  /** For example `PostgreSQL 18 (embedded)`. */
  description: string;
  runner: RunnerKind;
  /** Resolves when the server has ended for any reason. */
  ended: Promise<void>;
  /** Shuts down fast: ends all sessions, writes all data, and waits for the end. */
  stop(): Promise<void>;
}

/**
 * Starts a private PostgreSQL on 127.0.0.1 with its data in `folder`. If an owner was killed and left its server
 * running, that server is stopped first. Rejects with a sentence if another running process uses the folder.
 */
export async function startLocalPostgres(options: LocalPostgresOptions): Promise<LocalPostgres> {
  const files = filesIn(options.folder);
  const binaries = await findBinaries();
  const runner = await findRunner(binaries, options.runner);
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  await claim(files);
  await stopLeftover(files.data);
  const password = await prepare(options.folder, binaries, runner, options.durable ?? true);
  const port = options.port ?? (await freePort());
  const { child, ended } = await launch(files, runner, port, options);
  const stopAtExit = () => child.kill('SIGINT');
  process.once('exit', stopAtExit);
  await ready(child, files, ended).catch((error) => {
    process.off('exit', stopAtExit);
    throw error;
  });
  const pid = child.pid ?? 0;
  return {
    url: (database) => `postgres://postgres:${password}@127.0.0.1:${port}/${database}`,
    pid,
    description: `PostgreSQL ${binaries.major} (${binaries.origin})`,
    runner: runner.kind,
    ended,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) await stop(pid);
      await ended;
      process.off('exit', stopAtExit);
    },
  };
}

/** Records this process as the folder's owner. Throws if the recorded owner is still running. */
async function claim({ owner }: ClusterFiles): Promise<void> {
  const last = (await readFile(owner, 'utf8').catch(() => '')).trim();
  const pid = Number.parseInt(last, 10);
  if (pid > 0 && pid !== process.pid && last === (await identityOf(pid))) {
    throw new Error(`Process ${pid} is using ${owner.slice(0, -'/owner'.length)}: stop it first.`);
  }
  await writeFile(owner, `${await identityOf(process.pid)}\n`);
}

async function launch(
  { data, log }: ClusterFiles,
  runner: Runner,
  port: number,
  { durable = true, maxConnections = 200 }: LocalPostgresOptions,
): Promise<{ child: ChildProcess; ended: Promise<void> }> {
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: maxConnections,
    log_min_messages: 'log',
    log_checkpoints: 'off',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const { file, args, options } = runner.command('postgres', ['-D', runner.pgdata(data), ...flags]);
  const output = await open(log, 'w', 0o600);
  try {
    // Detached, because Ctrl-C goes to the whole process group, and services must drain before their database stops.
    const child = spawn(file, args, {
      ...options,
      cwd: data,
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
      env: { ...process.env, LC_ALL: 'C', PGDATA: undefined },
    });
    // Before the first await, because the process may end at once. Rejects if it cannot be started.
    const ended = once(child, 'exit').then(() => undefined);
    ended.catch(() => undefined);
    return { child, ended };
  } finally {
    await output.close();
  }
}

async function ready(child: ChildProcess, files: ClusterFiles, ended: Promise<void>): Promise<void> {
  let settled = false;
  const isReady = async () => {
    const deadline = Date.now() + 60_000; // Long enough for a recovery after a crash.
    while (!settled && Date.now() < deadline) {
      // The eighth line holds the state, which pg_ctl reads too.
      const lines = (await readFile(`${files.data}/postmaster.pid`, 'utf8').catch(() => '')).split('\n');
      if (lines[7]?.trim() === 'ready') return;
      await pause(20);
    }
    throw new Error('PostgreSQL was not ready within 60 s');
  };
  const died = ended.then(async () => {
    const log = await readFile(files.log, 'utf8').catch(() => '');
    throw new Error(`PostgreSQL ended while it was starting:\n${log.trim().slice(-2_000)}`);
  });
  died.catch(() => undefined);
  try {
    await Promise.race([isReady(), died]);
  } catch (error) {
    child.kill('SIGQUIT');
    throw error;
  } finally {
    settled = true;
  }
}

/** Returns a port that nothing uses at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
