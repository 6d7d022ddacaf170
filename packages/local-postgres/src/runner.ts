import { execFile, type SpawnOptions } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Binaries } from './binaries.js';
import { reachableCopy } from './reachable-copy.js';

const run = promisify(execFile);

/**
 * PostgreSQL refuses to run as root. This says how its programs are started all the same:
 *
 * - `self`: we aren't root.
 * - `namespace`: in a user namespace, where root's own files belong to an ordinary user. Nothing else changes, so
 *   it works in directories that only root can enter.
 * - `user`: as another user, where namespaces are forbidden (most containers). Such a user may be unable to enter
 *   the checkout; then the programs are copied to a place it can read, and the data directory is reached as
 *   the process's working directory, which needs no right to walk the path to it.
 */
export type RunnerKind = 'self' | 'namespace' | 'user';

export interface Runner {
  kind: RunnerKind;
  /** Who must own the data. */
  owner: { uid: number; gid: number } | undefined;
  /** How `-D` names the data directory; the process is started with that directory as its `cwd`. */
  pgdata(dataDir: string): string;
  /** The command that runs `initdb` or `postgres`. */
  command(program: 'initdb' | 'postgres', args: string[]): Command;
}

export interface Command {
  file: string;
  args: string[];
  options: SpawnOptions;
}

/** The first way that works here, or only `wanted`. */
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
    `PostgreSQL refuses to run as root, and no other way works here. Start this as an ordinary user, or set ` +
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

/** `initdb` wants a user that /etc/passwd knows: PostgreSQL's own, else the one that owns nothing. */
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
