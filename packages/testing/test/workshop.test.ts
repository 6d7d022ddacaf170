import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isAlive } from '@warren/local-postgres';
import { eventually } from '../src/index.js';
import { given } from '../src/servers/given.js';
import { startProcess } from '../src/servers/private-process.js';
import { NotHere } from '../src/servers/started.js';
import { openWorkshop } from '../src/servers/workshop.js';

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'warren-workshop-'));
});
afterEach(() => rm(parent, { recursive: true, force: true }));

describe('private servers', () => {
  it('are ended together with what they started', async () => {
    const workshop = await openWorkshop(parent);
    const script = `sleep 60 & echo $! > child; wait`;
    const server = await startProcess(
      workshop,
      { name: 'shell', file: 'sh', args: ['-c', script] },
      async () => {
        expect(await readdir(join(workshop.folder, 'shell'))).toContain('child');
      },
    );
    expect(isAlive(server.pid)).toBe(true);
    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
    await workshop.close();
    expect(await readdir(parent)).toEqual([]);
  });

  it('that end at once are told with their last words', async () => {
    const workshop = await openWorkshop(parent);
    const program = { name: 'shell', file: 'sh', args: ['-c', 'echo no port left; exit 3'] };
    const never = () => Promise.reject(new Error('not ready'));
    await expect(startProcess(workshop, program, never)).rejects.toThrow(
      /ended at once \(3\)[\s\S]*no port left/,
    );
  });

  it('of a test run that was killed are ended by the next one; those of a living one are not', async () => {
    const { owner, server } = await ownerProcess();
    const living = await openWorkshop(parent);
    expect(isAlive(server)).toBe(true);

    const dead = once(owner, 'exit');
    owner.kill('SIGKILL');
    await dead;
    expect(isAlive(server)).toBe(true);
    const next = await openWorkshop(parent);
    await eventually(() => expect(isAlive(server)).toBe(false));
    expect(await readdir(parent)).toHaveLength(2);
    await living.close();
    await next.close();
  });

  /** A test run of its own, with a server that nobody stops. */
  async function ownerProcess(): Promise<{ owner: ChildProcess; server: number }> {
    const dist = join(import.meta.dirname, '../dist/servers');
    const script =
      `const { openWorkshop } = await import(${JSON.stringify(join(dist, 'workshop.js'))});` +
      `const { startProcess } = await import(${JSON.stringify(join(dist, 'private-process.js'))});` +
      `const workshop = await openWorkshop(${JSON.stringify(parent)});` +
      `const server = await startProcess(workshop, { name: 'sleep', file: 'sleep', args: ['60'] }, async () => {});` +
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

  it('is used where it listens', async () => {
    const server = createServer((socket) => socket.end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    process.env[variable] = `redis://127.0.0.1:${port}`;
    expect((await given('Redis', variable)).what).toBe(`Redis at 127.0.0.1:${port}, from ${variable}`);
    await new Promise((resolve) => server.close(resolve));
  });

  it('is an error, and not a reason to look elsewhere, where nothing listens', async () => {
    process.env[variable] = 'redis://127.0.0.1:1';
    const failure = await given('Redis', variable).catch((error: unknown) => error);
    expect(failure).not.toBeInstanceOf(NotHere);
    expect(String(failure)).toContain(`${variable} names 127.0.0.1:1, but nothing listens there`);
  });

  it('is left to the next way where it is not set', async () => {
    delete process.env[variable];
    await expect(given('Redis', variable)).rejects.toBeInstanceOf(NotHere);
  });
});
