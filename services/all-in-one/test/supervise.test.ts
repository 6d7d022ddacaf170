import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isAlive } from '@warren/local-postgres';
import { eventually } from '@warren/testing';

const compiled = join(import.meta.dirname, '../dist/supervise.js');

let folder: string;
let supervisors: ChildProcess[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'warren-supervise-'));
  supervisors = [];
});
afterEach(async () => {
  for (const supervisor of supervisors) supervisor.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

/** Starts a process that supervises `program`, stops it on SIGTERM, and prints why supervision failed. */
async function supervisor(program: string): Promise<{ process: ChildProcess; output: () => string }> {
  await writeFile(join(folder, 'program.mjs'), program);
  const script =
    `const { supervise } = await import(${JSON.stringify(compiled)});` +
    `const child = supervise({ name: 'test', program: ${JSON.stringify(join(folder, 'program.mjs'))}, env: process.env, readyUrl: '' });` +
    `child.failed.catch((error) => { console.log(error.message); process.exit(7); });` +
    `process.on('SIGTERM', async () => { await child.stop(); process.exit(0); });`;
  const process = spawn(globalThis.process.execPath, ['--input-type=module', '-e', script]);
  supervisors.push(process);
  let output = '';
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('data', (chunk) => {
      output += String(chunk);
    });
  }
  return { process, output: () => output };
}

/** A program that appends its process id to a file and runs until SIGTERM. */
const running = () =>
  `import { appendFileSync } from 'node:fs';` +
  `appendFileSync(${JSON.stringify(join(folder, 'pids'))}, process.pid + '\\n');` +
  `process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000);`;

/** Throws while the file is empty, because process id 0 would mean the group of the test itself. */
async function pids(): Promise<number[]> {
  const numbers = (await readFile(join(folder, 'pids'), 'utf8')).trim().split('\n').map(Number);
  if (!numbers.every((number) => number > 0)) throw new Error('not started yet');
  return numbers;
}

describe('a supervised process', () => {
  it('is started again after it was killed, and stops with its supervisor', async () => {
    const { process } = await supervisor(running());
    const [first = 0] = await eventually(pids);
    globalThis.process.kill(first, 'SIGKILL');
    const second = await eventually(async () => {
      const [, again] = await pids();
      if (!again) throw new Error('not started again yet');
      return again;
    });
    const ended = once(process, 'exit');
    process.kill('SIGTERM');
    expect((await ended)[0]).toBe(0);
    expect(isAlive(second)).toBe(false);
  });

  it('is given up with the reason if it keeps ending', async () => {
    const { process, output } = await supervisor('process.exit(3);');
    expect((await once(process, 'exit'))[0]).toBe(7);
    expect(output()).toContain('the test service ended 6 times in a minute (exit code 3)');
  }, 60_000);

  it('ends when its supervisor was killed', async () => {
    const { process } = await supervisor(running());
    const [child = 0] = await eventually(pids);
    process.kill('SIGKILL');
    await eventually(() => expect(isAlive(child)).toBe(false));
  });
});
