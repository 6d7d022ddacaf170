import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, lchown, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Binaries } from './binaries.js';
import type { Runner } from './runner.js';

/** Paths in a cluster's folder. */
export interface ClusterFiles {
  data: string;
  password: string;
  log: string;
  /** Holds the identity of the process that last started the server. */
  owner: string;
}

export function filesIn(folder: string): ClusterFiles {
  return {
    data: join(folder, 'data'),
    password: join(folder, 'password'),
    log: join(folder, 'postgres.log'),
    owner: join(folder, 'owner'),
  };
}

/** Creates the cluster if it is missing, gives its files to the runner's user, and returns the superuser's password. */
export async function prepare(
  folder: string,
  binaries: Binaries,
  runner: Runner,
  durable: boolean,
): Promise<string> {
  const files = filesIn(folder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (runner.owner) await chown(folder, runner.owner.uid, runner.owner.gid);
  await createOnce(folder, binaries, runner, durable);
  await checkVersion(files.data, binaries.major);
  if (runner.owner) await giveTo(files.data, runner.owner);
  return (await readFile(files.password, 'utf8')).trim();
}

async function createOnce(
  folder: string,
  binaries: Binaries,
  runner: Runner,
  durable: boolean,
): Promise<void> {
  const files = filesIn(folder);
  if (await exists(files.data)) return;
  // Renamed when complete: a creation that was interrupted is deleted and started again.
  const draft = `${files.data}.new`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  await writeFile(files.password, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600 });
  if (runner.owner) {
    await chown(draft, runner.owner.uid, runner.owner.gid);
    await chown(files.password, runner.owner.uid, runner.owner.gid);
  }
  await initdb(draft, binaries, runner, durable);
  await rename(draft, files.data);
}

async function initdb(draft: string, binaries: Binaries, runner: Runner, durable: boolean): Promise<void> {
  const builtinLocale = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const { file, args, options } = runner.command('initdb', [
    `--pgdata=${runner.pgdata(draft)}`,
    '--username=postgres',
    '--auth=scram-sha-256',
    '--pwfile=../password',
    '--encoding=UTF8',
    '--locale=C',
    // Independent of the machine's locales, and converts case beyond ASCII.
    ...(binaries.major >= 17 ? builtinLocale : []),
    ...(durable ? [] : ['--no-sync']),
  ]);
  const child = spawn(file, args, { ...options, cwd: draft, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4_000);
    });
  }
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`initdb failed (${code}):\n${output.trim()}`);
}

async function checkVersion(data: string, major: number): Promise<void> {
  const found = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim();
  if (found === String(major)) return;
  throw new Error(
    `The data in ${data} belongs to PostgreSQL ${found}, but this is version ${major}. Move that folder away to ` +
      `start with an empty database, or set DATABASE_URL to a server with your data.`,
  );
}

/** Changes the files' owner if another user started the cluster last, for example outside a container. */
async function giveTo(path: string, owner: { uid: number; gid: number }): Promise<void> {
  if ((await stat(path)).uid === owner.uid) return;
  const below = await readdir(path, { recursive: true });
  for (const name of below) await lchown(join(path, name), owner.uid, owner.gid);
  await chown(path, owner.uid, owner.gid); // Last, so that an interrupted change is repeated.
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
