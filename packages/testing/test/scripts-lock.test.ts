import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../src/index.js';

const module = resolve(import.meta.dirname, '../../../scripts/lib/lock.mjs');

describe('the lock for preparing a checkout', () => {
  let folder: string;
  const children: ChildProcess[] = [];
  const lock = () => join(folder, 'prepare.lock');
  const counter = () => join(folder, 'counter');

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warren-lock-'));
    await writeFile(counter(), '0');
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  /** Starts a process that runs `work` under the lock, with `options` for `withLock`. */
  function locking(work: string, options = '{}'): ChildProcess {
    const script =
      `import { readFile, writeFile } from 'node:fs/promises';` +
      `import { setTimeout as pause } from 'node:timers/promises';` +
      `const { withLock } = await import(${JSON.stringify(module)});` +
      `const [lock, counter] = ${JSON.stringify([lock(), counter()])};` +
      `const add = async () => { const n = Number(await readFile(counter, 'utf8')); await pause(20); await writeFile(counter, String(n + 1)); };` +
      `await withLock(lock, async () => { ${work} }, ${options});`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    return child;
  }

  async function exitCodes(running: ChildProcess[]): Promise<unknown[]> {
    return Promise.all(running.map(async (child) => (await once(child, 'exit'))[0]));
  }

  const counted = async () => Number(await readFile(counter(), 'utf8'));

  it('lets one process in at a time', async () => {
    const running = Array.from({ length: 6 }, () => locking('await add();'));
    expect(await exitCodes(running)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(await counted()).toBe(6);
    expect(await readdir(folder)).toEqual(['counter']);
  });

  it('passes from a killed holder to one of the waiting processes', async () => {
    const holder = locking('await add(); await new Promise(() => setInterval(() => {}, 1000));');
    await eventually(async () => expect(await counted()).toBe(1));
    const waiting = Array.from({ length: 4 }, () => locking('await add();'));
    const dead = once(holder, 'exit');
    holder.kill('SIGKILL');
    await dead;
    expect(await exitCodes(waiting)).toEqual([0, 0, 0, 0]);
    expect(await counted()).toBe(5);
  });

  it('is taken over if the holder’s process number belongs to another process now', async () => {
    await writeFile(lock(), JSON.stringify({ pid: process.pid, started: 'another time', id: 'x' }));
    expect(await exitCodes([locking('await add();')])).toEqual([0]);
    expect(await counted()).toBe(1);
  });

  it('reports which process holds it, and stops waiting after the timeout', async () => {
    const holder = locking('await add(); await new Promise(() => setInterval(() => {}, 1000));');
    await eventually(async () => expect(await counted()).toBe(1));
    const late = locking('', `{ within: 300, onWait: (pid) => console.log('waiting for ' + pid) }`);
    let said = '';
    for (const stream of [late.stdout, late.stderr]) {
      stream?.on('data', (chunk) => {
        said += String(chunk);
      });
    }
    expect(await exitCodes([late])).toEqual([1]);
    // The output may arrive after the process has exited.
    await eventually(() => {
      expect(said).toContain(`waiting for ${holder.pid}`);
      expect(said).toContain('still holds the lock');
    });
  });
});
