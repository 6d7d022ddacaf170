import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { installed } from './programs.js';
import { NotHere } from './started.js';

const installWithinMs = 10 * 60_000;
let turn: Promise<unknown> = Promise.resolve();

/**
 * Installs a Debian or Ubuntu package, as root only. On a terminal it asks first; `WARREN_TEST_INSTALL=0` forbids
 * it. Throws `NotHere` with the command that a person can run instead.
 */
export function install(name: string, say: (line: string) => void): Promise<void> {
  const done = turn.then(() => installNow(name, say)); // apt takes one at a time.
  turn = done.catch(() => undefined);
  return done;
}

async function installNow(name: string, say: (line: string) => void): Promise<void> {
  const apt = await installed('apt-get').catch(() => undefined);
  if (!apt) throw new NotHere(`install ${name} (macOS: brew install ${name.replace(/-server$/, '')})`);
  const command = `apt-get install ${name}`;
  if (process.env.WARREN_TEST_INSTALL === '0') throw new NotHere(`WARREN_TEST_INSTALL=0 forbids ${command}`);
  if (process.getuid?.() !== 0) throw new NotHere(`install it: sudo ${command}`);
  if (!(await agreed(command))) throw new NotHere(`you declined ${command}`);

  say(`installing ${name} …`);
  const flags = ['-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', 'install', name];
  if ((await run(apt, flags)) === 0) return;
  await run(apt, ['update']); // A fresh container knows no packages yet.
  if ((await run(apt, flags)) !== 0) throw new NotHere(`${command} failed, see above`);
}

async function agreed(command: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return true;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`The tests need it: run \`${command}\`? [Y/n] `);
  terminal.close();
  return !/^n/i.test(answer.trim());
}

async function run(file: string, args: string[]): Promise<number> {
  const child = spawn(file, args, {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 2, 2],
    timeout: installWithinMs,
  });
  const [code] = await once(child, 'exit');
  return typeof code === 'number' ? code : 1;
}
