import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { NotAvailable } from './started-server.js';

/** Folders in which packages install server programs although they are not in every PATH. */
const serverFolders = ['/usr/lib/rabbitmq/bin', '/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin'];

const installTimeoutMs = 10 * 60_000;
let lastInstallation: Promise<unknown> = Promise.resolve();

/** Returns the path of an installed program. Throws `NotAvailable` if it is not installed. */
export async function installed(name: string): Promise<string> {
  // Debian's /usr/sbin/rabbitmq-server switches to the user rabbitmq, who cannot enter our folder. RabbitMQ's own
  // script in /usr/lib/rabbitmq does not, and so comes first.
  for (const folder of [...serverFolders, ...(process.env.PATH ?? '').split(delimiter)]) {
    const file = join(folder, name);
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  throw new NotAvailable(`${name} is not installed`);
}

/**
 * Installs a Debian or Ubuntu package. Works only as root; on a terminal it asks first. `WARREN_TEST_INSTALL=0`
 * forbids it. Throws `NotAvailable` with the command that a person can run instead.
 */
export function install(name: string, say: (line: string) => void): Promise<void> {
  const done = lastInstallation.then(() => installNow(name, say)); // apt installs one package at a time.
  lastInstallation = done.catch(() => undefined);
  return done;
}

async function installNow(name: string, say: (line: string) => void): Promise<void> {
  const apt = await installed('apt-get').catch(() => undefined);
  if (!apt) throw new NotAvailable(`install ${name} (macOS: brew install ${name.replace(/-server$/, '')})`);
  const command = `apt-get install ${name}`;
  if (process.env.WARREN_TEST_INSTALL === '0') {
    throw new NotAvailable(`WARREN_TEST_INSTALL=0 forbids ${command}`);
  }
  if (process.getuid?.() !== 0) throw new NotAvailable(`install it: sudo ${command}`);
  if (!(await confirmed(command))) throw new NotAvailable(`you declined ${command}`);

  say(`installing ${name} …`);
  const flags = ['-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', 'install', name];
  if ((await run(apt, flags)) === 0) return;
  await run(apt, ['update']); // A fresh container has no package lists yet.
  if ((await run(apt, flags)) !== 0) throw new NotAvailable(`${command} failed, see above`);
}

async function confirmed(command: string): Promise<boolean> {
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
    timeout: installTimeoutMs,
  });
  const [code] = await once(child, 'exit');
  return typeof code === 'number' ? code : 1;
}
