import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '@warren/local-postgres';
import { listens } from '../addresses.js';
import { startProcess } from './private-process.js';
import type { ServerFolder } from './server-folder.js';
import { brief, NotAvailable } from './started-server.js';
import { unpack } from './unpack.js';

const run = promisify(execFile);

/** Versions by Debian release: 1.24 supports prepared statements in transaction mode, 1.18 does not. */
const releases = {
  '1.24': {
    suite: 'trixie',
    beside: ['libc6', 'libcares2', 'libevent-2.1-7t64', 'libpam0g', 'libssl3t64', 'libsystemd0'],
  },
  '1.18': {
    suite: 'bookworm',
    beside: ['libc6', 'libc-ares2', 'libevent-2.1-7', 'libpam0g', 'libssl3', 'libsystemd0'],
  },
} as const;

export type PgBouncerVersion = keyof typeof releases;

export interface PgBouncerProcess {
  /** Returns the URL of the same database through the pooler. `url` must use a role that `startPgBouncer` knows. */
  through(url: string): string;
  stop(): Promise<void>;
}

export interface PgBouncerOptions {
  version: PgBouncerVersion;
  /** URLs on one server, one for each role that may connect, with its password. */
  urls: readonly string[];
  /** Lines for the section `pgbouncer` of its configuration. */
  settings?: readonly string[];
}

/** Starts a PgBouncer in transaction mode with three server connections per role. Throws `NotAvailable`. */
export async function startPgBouncer(
  serverFolder: ServerFolder,
  { version, urls, settings = [] }: PgBouncerOptions,
): Promise<PgBouncerProcess> {
  const [file, ...args] = await programOf(version, () => undefined);
  const [server] = urls.map((url) => new URL(url));
  const port = await freePort();
  const folder = join(serverFolder.path, `pgbouncer-${port}`);
  await mkdir(folder);
  const roles = urls
    .map((url) => new URL(url))
    .map(({ username, password }) => `"${username}" "${password}"`);
  await writeFile(join(folder, 'roles.txt'), roles.map(decodeURIComponent).join('\n'));
  const lines = [
    '[databases]',
    `* = host=${server?.hostname} port=${server?.port || 5432}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = trust',
    `auth_file = ${join(folder, 'roles.txt')}`,
    'pool_mode = transaction',
    'default_pool_size = 3',
    // PgBouncer refuses to run as root.
    ...(process.getuid?.() === 0 ? ['user = nobody'] : []),
    ...settings,
  ];
  const configuration = join(folder, 'pgbouncer.ini');
  await writeFile(configuration, lines.join('\n'));
  const program = { name: `pgbouncer-${port}`, file, args: [...args, configuration] };
  const { stop } = await startProcess(serverFolder, program, async () => {
    if (!(await listens('127.0.0.1', port))) throw new Error('PgBouncer does not listen');
  });
  return { through: (url) => Object.assign(new URL(url), { host: `127.0.0.1:${port}` }).href, stop };
}

/** Downloads the programs that `startPgBouncer` needs. If that fails, the variable carries the reason. */
export async function findPgBouncers(
  say: (line: string) => void,
): Promise<{ description: string; env: Record<string, string> }> {
  try {
    for (const version of ['1.24', '1.18'] as const) {
      const [file, ...args] = await programOf(version, say);
      await run(file, [...args, '--version']);
    }
    return { description: `PgBouncer: ${Object.keys(releases).join(', ')}`, env: {} };
  } catch (error) {
    const reason = `PgBouncer is not available: ${brief(error)}`;
    return {
      description: `${reason}; its tests are skipped`,
      env: { WARREN_TEST_PGBOUNCER_UNAVAILABLE: reason },
    };
  }
}

/** The command that runs the program with the C library of its own Debian release. */
async function programOf(
  version: PgBouncerVersion,
  say: (line: string) => void,
): Promise<[file: string, ...args: string[]]> {
  const root = await unpack({ name: 'pgbouncer', ...releases[version] }, say);
  for (const lib of ['usr/lib', 'lib']) {
    const base = join(root, lib);
    for (const machine of await readdir(base).catch(() => [])) {
      const libraries = join(base, machine);
      const loader = (await readdir(libraries).catch(() => [])).find((name) =>
        /^ld-linux.*\.so\.\d+$/.test(name),
      );
      if (!loader) continue;
      const path = [libraries, join(root, 'usr/lib', machine)].join(':');
      return [join(libraries, loader), '--library-path', path, join(root, 'usr/sbin/pgbouncer')];
    }
  }
  throw new NotAvailable(`the unpacked PgBouncer ${version} has no C library`);
}
