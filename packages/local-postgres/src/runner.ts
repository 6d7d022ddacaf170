import { execFile, type SpawnOptions } from 'node:child_process';
import { cp, lstat, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Binaries } from './binaries.js';

const run = promisify(execFile);

/**
 * How PostgreSQL's programs are started, since they refuse to run as root:
 *
 * - `self`: as the current user, who isn't root.
 * - `namespace`: in a user namespace that maps root to an ordinary user. It works in directories that only root can
 *   enter.
 * - `user`: as another user, where namespaces are forbidden (most containers). If that user cannot enter the checkout,
 *   the programs are copied to a folder that everyone can read. The data directory is the process's working directory,
 *   so that the user needs no access to its parent folders.
 */
export type RunnerKind = 'self' | 'namespace' | 'user';

export interface Runner {
  kind: RunnerKind;
  /** The user who must own the data; `undefined` for the current user. */
  owner: { uid: number; gid: number } | undefined;
  /** The argument of `-D` for the data directory, which is also the process's working directory. */
  pgdata(dataDir: string): string;
  /** The command that runs `initdb` or `postgres`. */
  command(program: 'initdb' | 'postgres', args: string[]): Command;
}

export interface Command {
  file: string;
  args: string[];
  options: SpawnOptions;
}

/** Finds the first kind that works here, or tries only `wanted`. */
export async function findRunner(binaries: Binaries, wanted?: RunnerKind): Promise<Runner> {
  if (process.getuid?.() !== 0) return asSelf(binaries);
  if (process.platform !== 'linux') {
    throw new Error(
      'PostgreSQL refuses to run as root. Start this as an ordinary user, or set DATABASE_URL.',
    );
  }
  const user = await unprivilegedUser();
  const attempts = { namespace: () => inNamespace(binaries, user), user: () => asUser(binaries, user) };
  const failures: string[] = [];
  for (const [kind, attempt] of Object.entries(attempts)) {
    if (wanted && kind !== wanted) continue;
    try {
      return await attempt();
    } catch (error) {
      failures.push(`\n  as a ${kind}: ${(error as Error).message.trim()}`);
    }
  }
  throw new Error(
    `PostgreSQL refuses to run as root, and no way around that works here. Start this as an ordinary user, or set ` +
      `DATABASE_URL to a server.${failures.join('')}`,
  );
}

function asSelf({ bin }: Binaries): Runner {
  return {
    kind: 'self',
    owner: undefined,
    pgdata: (dataDir) => dataDir,
    command: (program, args) => ({ file: join(bin, program), args, options: {} }),
  };
}

async function inNamespace({ bin }: Binaries, user: SystemUser): Promise<Runner> {
  const flags = ['--user', `--map-user=${user.uid}`, `--map-group=${user.gid}`, '--'];
  await run('unshare', [...flags, join(bin, 'postgres'), '--version'], { timeout: 10_000 });
  return {
    kind: 'namespace',
    owner: { uid: 0, gid: 0 },
    pgdata: (dataDir) => dataDir,
    command: (program, args) => ({
      file: 'unshare',
      args: [...flags, join(bin, program), ...args],
      options: {},
    }),
  };
}

async function asUser(binaries: Binaries, user: SystemUser): Promise<Runner> {
  const runs = (bin: string) =>
    run(join(bin, 'postgres'), ['--version'], { ...user, cwd: '/', timeout: 10_000 });
  const bin = await runs(binaries.bin).then(
    () => binaries.bin,
    () => reachableCopy(binaries),
  );
  await runs(bin);
  return {
    kind: 'user',
    owner: user,
    pgdata: () => '/proc/self/cwd',
    command: (program, args) => ({ file: join(bin, program), args, options: { ...user } }),
  };
}

interface SystemUser {
  uid: number;
  gid: number;
}

/** `initdb` needs a user that is listed in /etc/passwd: PostgreSQL's own, or else `nobody`. */
async function unprivilegedUser(): Promise<SystemUser> {
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const wanted of ['postgres', 'nobody']) {
    const [, , uid, gid] = users.find(([name]) => name === wanted) ?? [];
    if (uid && gid) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(
    'PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody` to run it as.',
  );
}

/**
 * Copies PostgreSQL's programs (60 MB) to the temporary directory, where every user can read them, for a checkout that
 * other users can't enter. The copy is made once per version and machine. Returns its `bin` folder.
 */
async function reachableCopy({ bin, major }: Binaries): Promise<string> {
  const home = join(tmpdir(), `warren-postgres-${major}-${process.arch}`);
  if (!(await isOurs(home))) await copyTo(home, dirname(bin));
  if (!(await isOurs(home))) throw new Error(`${home} exists, but others can write to it: remove it`);
  return join(home, 'bin');
}

async function copyTo(home: string, source: string): Promise<void> {
  const draft = await mkdtemp(`${home}-`);
  try {
    await cp(source, join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
    // Renamed when complete: other processes find either the whole copy or none.
    await rename(join(draft, 'native'), home).catch(ignoreExisting);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Everyone can write to the temporary directory: never run programs that somebody else may have put there. */
async function isOurs(home: string): Promise<boolean> {
  const found = await lstat(home).catch(() => undefined);
  return found?.isDirectory() === true && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST' && error.code !== 'ENOTDIR') throw error;
}
