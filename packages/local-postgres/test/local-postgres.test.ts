import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import { findBinaries } from '../src/binaries.js';
import { ensureDatabases, isAlive, type LocalPostgres, startLocalPostgres } from '../src/index.js';
import { findRunner, type RunnerKind } from '../src/runner.js';

// Creating a cluster takes seconds of CPU time, and more on a busy machine.
jest.setTimeout(120_000);

const asRoot = process.getuid?.() === 0;
const asRootOnLinux = asRoot && process.platform === 'linux';
/** Why user namespaces are not available. Many containers forbid them; servers then run as another user. */
const noNamespaces = asRootOnLinux ? await whyNot('namespace') : 'needs root on Linux';
const namespaceOnly = noNamespaces ? `[skipped: ${noNamespaces}]` : '';
/** The kinds of runner that can be tested as the current user. */
const runners: RunnerKind[] = asRootOnLinux
  ? [...(noNamespaces ? [] : (['namespace'] as const)), 'user']
  : ['self'];

async function whyNot(kind: RunnerKind): Promise<string | undefined> {
  try {
    await findRunner(await findBinaries(), kind);
    return undefined;
  } catch (error) {
    return (error as Error).message.split('\n').at(-1)?.trim();
  }
}

const folders: string[] = [];
const servers: LocalPostgres[] = [];
const children: ChildProcess[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** A folder that no other user may enter, like one of `mktemp -d`. */
async function privateFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'warren-local-postgres-'));
  folders.push(folder);
  await chmod(folder, 0o700);
  return folder;
}

async function start(folder: string, runner?: RunnerKind): Promise<LocalPostgres> {
  const server = await startLocalPostgres({ folder, durable: false, ...(runner && { runner }) });
  servers.push(server);
  return server;
}

async function query(server: LocalPostgres, sql: string, database = 'postgres'): Promise<unknown[]> {
  const client = new pg.Client(server.url(database));
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Starts a process that starts a server in `folder` and waits, so that a test can kill it. */
async function ownerProcess(folder: string): Promise<{ owner: ChildProcess; postmaster: number }> {
  const script =
    `const { startLocalPostgres } = await import(${JSON.stringify(join(import.meta.dirname, '../dist/index.js'))});` +
    `const server = await startLocalPostgres({ folder: ${JSON.stringify(folder)} });` +
    `console.log(server.pid); setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(owner);
  const [line] = await once(owner.stdout ?? owner, 'data');
  return { owner, postmaster: Number(String(line)) };
}

describe.each(runners)('a cluster with the runner %s', (runner) => {
  it('is created in a private folder, requires a password, and keeps its data', async () => {
    const folder = join(await privateFolder(), 'postgres');
    const first = await start(folder, runner);
    await ensureDatabases(first.url('postgres'), ['one', 'two']);
    await query(first, 'CREATE TABLE kept AS SELECT 42 AS answer', 'one');
    const guess = new URL(first.url('one'));
    guess.password = 'guess';
    await expect(new pg.Client(guess.href).connect()).rejects.toThrow('password');
    await first.stop();
    expect(isAlive(first.pid)).toBe(false);

    const second = await start(folder, runner);
    expect(await query(second, 'SELECT answer FROM kept', 'one')).toEqual([{ answer: 42 }]);
  });
});

describe('the server of a killed owner', () => {
  it('is stopped by the next start, which opens its data', async () => {
    const folder = await privateFolder();
    const { owner, postmaster } = await ownerProcess(folder);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    expect(isAlive(postmaster)).toBe(true);

    const server = await start(folder);
    expect(isAlive(postmaster)).toBe(false);
    expect(await query(server, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('is left running while its owner is alive', async () => {
    const folder = await privateFolder();
    const { owner, postmaster } = await ownerProcess(folder);
    await expect(startLocalPostgres({ folder })).rejects.toThrow(`Process ${owner.pid} is using`);
    expect(isAlive(postmaster)).toBe(true);
    const gone = once(owner, 'exit');
    owner.kill('SIGKILL');
    await gone;
    await start(folder); // Takes the folder over, so that afterEach stops the server.
  });

  it('does not prevent a start if its process number belongs to another process now', async () => {
    const folder = await privateFolder();
    const first = await start(folder);
    await first.stop();
    const stranger = spawn('sleep', ['60']);
    children.push(stranger);
    const lockFile = join(folder, 'data/postmaster.pid');
    await writeFile(lockFile, `${stranger.pid}\n${folder}/data\n1\n5432\n\n127.0.0.1\n\nready\n`);
    await writeFile(join(folder, 'owner'), `${stranger.pid} 1\n`);

    const server = await start(folder);
    expect(await query(server, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(isAlive(stranger.pid ?? 0)).toBe(true);
  });
});

const rootOnly = asRootOnLinux ? it : it.skip;

describe('as root [skipped unless root on Linux]', () => {
  rootOnly('copies the programs to a readable folder if the other user cannot read them', async () => {
    const hidden = await privateFolder();
    const binaries = await findBinaries();
    await cp(dirname(binaries.bin), join(hidden, 'native'), { recursive: true, verbatimSymlinks: true });
    const unreachable = { ...binaries, bin: join(hidden, 'native/bin') };
    const runner = await findRunner(unreachable, 'user');
    const { file } = runner.command('postgres', []);
    expect(file.startsWith(hidden)).toBe(false);
    expect((await stat(file)).uid).toBe(0);
  });

  (noNamespaces ? it.skip : it)(
    `changes the owner of the files when the runner changes ${namespaceOnly}`,
    async () => {
      const folder = join(await privateFolder(), 'postgres');
      const first = await start(folder, 'namespace');
      await first.stop();
      const second = await start(folder, 'user');
      expect(await query(second, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      await second.stop();
      const third = await start(folder, 'namespace');
      expect(await query(third, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    },
  );
});

describe('an interrupted creation of a cluster', () => {
  it('is deleted and started again', async () => {
    const folder = join(await privateFolder(), 'postgres');
    await mkdir(join(folder, 'data.new/base'), { recursive: true });
    await writeFile(join(folder, 'data.new/PG_VERSION'), 'half');
    const server = await start(folder);
    expect(await query(server, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
});

describe('a start that fails', () => {
  it('reports PostgreSQL’s output', async () => {
    const folder = await privateFolder();
    const first = await start(folder);
    await first.stop();
    await writeFile(join(folder, 'data/postgresql.conf'), 'no_such_setting = 1\n');
    await expect(startLocalPostgres({ folder })).rejects.toThrow('no_such_setting');
  });

  it('refuses the data of another version and does not change it', async () => {
    const folder = await privateFolder();
    await mkdir(join(folder, 'data'));
    await writeFile(join(folder, 'data/PG_VERSION'), '9\n');
    await writeFile(join(folder, 'password'), 'x');
    await expect(startLocalPostgres({ folder })).rejects.toThrow('belongs to PostgreSQL 9');
    expect(await readFile(join(folder, 'data/PG_VERSION'), 'utf8')).toBe('9\n');
  });
});
