import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isAlive } from '@warren/local-postgres';
import { eventually } from '../src/index.js';
import { serverFromEnvironment } from '../src/servers/from-environment.js';
import { startProcess } from '../src/servers/private-process.js';
import { openServerFolder } from '../src/servers/server-folder.js';
import { NotAvailable } from '../src/servers/started-server.js';

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'warren-server-folder-'));
});
afterEach(() => rm(parent, { recursive: true, force: true }));

describe('private servers', () => {
  it('are stopped together with their child processes', async () => {
    const serverFolder = await openServerFolder(parent);
    const script = `sleep 60 & echo $! > child; wait`;
    const server = await startProcess(
      serverFolder,
      { name: 'shell', file: 'sh', args: ['-c', script] },
      async () => {
        expect(await readdir(join(serverFolder.path, 'shell'))).toContain('child');
      },
    );
    expect(isAlive(server.pid)).toBe(true);
    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
    await serverFolder.close();
    expect(await readdir(parent)).toEqual([]);
  });

  it('that end at once are reported with the end of their output', async () => {
    const serverFolder = await openServerFolder(parent);
    const program = { name: 'shell', file: 'sh', args: ['-c', 'echo no port left; exit 3'] };
    const never = () => Promise.reject(new Error('not ready'));
    await expect(startProcess(serverFolder, program, never)).rejects.toThrow(
      /ended at once \(3\)[\s\S]*no port left/,
    );
  });

  it('of a killed test run are stopped by the next run, the ones of a running test run are not', async () => {
    const { owner, server } = await ownerProcess();
    const living = await openServerFolder(parent);
    expect(isAlive(server)).toBe(true);

    const dead = once(owner, 'exit');
    owner.kill('SIGKILL');
    await dead;
    expect(isAlive(server)).toBe(true);
    const next = await openServerFolder(parent);
    await eventually(() => expect(isAlive(server)).toBe(false));
    expect(await readdir(parent)).toHaveLength(2);
    await living.close();
    await next.close();
  });

  /** Starts a process that opens a server folder, starts a server and never stops it. */
  async function ownerProcess(): Promise<{ owner: ChildProcess; server: number }> {
    const dist = join(import.meta.dirname, '../dist/servers');
    const script =
      `const { openServerFolder } = await import(${JSON.stringify(join(dist, 'server-folder.js'))});` +
      `const { startProcess } = await import(${JSON.stringify(join(dist, 'private-process.js'))});` +
      `const serverFolder = await openServerFolder(${JSON.stringify(parent)});` +
      `const server = await startProcess(serverFolder, { name: 'sleep', file: 'sleep', args: ['60'] }, async () => {});` +
      `console.log(server.pid); setInterval(() => {}, 1000);`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(owner.stdout ?? owner, 'data');
    return { owner, server: Number(String(line)) };
  }
});

describe('a server that the environment names', () => {
  const variable = 'WARREN_TEST_REDIS_URL';
  let before: string | undefined;
  beforeEach(() => {
    before = process.env[variable];
  });
  afterEach(() => {
    if (before === undefined) delete process.env[variable];
    else process.env[variable] = before;
  });

  it('is used if it listens', async () => {
    const server = createServer((socket) => socket.end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    process.env[variable] = `redis://127.0.0.1:${port}`;
    expect((await serverFromEnvironment('Redis', variable)).description).toBe(
      `Redis at 127.0.0.1:${port}, from ${variable}`,
    );
    await new Promise((resolve) => server.close(resolve));
  });

  it('is an error if nothing listens, and no other way is tried', async () => {
    process.env[variable] = 'redis://127.0.0.1:1';
    const failure = await serverFromEnvironment('Redis', variable).catch((error: unknown) => error);
    expect(failure).not.toBeInstanceOf(NotAvailable);
    expect(String(failure)).toContain(`${variable} names 127.0.0.1:1, but nothing listens there`);
  });

  it('is left to the next way if the variable is not set', async () => {
    delete process.env[variable];
    await expect(serverFromEnvironment('Redis', variable)).rejects.toBeInstanceOf(NotAvailable);
  });
});
