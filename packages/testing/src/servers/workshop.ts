import { appendFile, chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { identityOf } from '@warren/local-postgres';

const prefix = 'warren-test-servers-';

/** A temporary folder for private servers, and a note of their processes in case nobody lives to stop them. */
export interface Workshop {
  folder: string;
  record(pid: number): Promise<void>;
  close(): Promise<void>;
}

/** `parent`: where the folder is made, the system's temporary directory by default. */
export async function openWorkshop(parent: string = tmpdir()): Promise<Workshop> {
  await sweep(parent);
  const folder = await mkdtemp(join(parent, prefix));
  await chmod(folder, 0o755); // Servers that run as another user keep their data below.
  await writeFile(join(folder, 'owner'), `${await identityOf(process.pid)}\n`);
  return {
    folder,
    async record(pid) {
      await appendFile(join(folder, 'processes'), `${await identityOf(pid)}\n`);
    },
    // What was killed may still be writing for a moment.
    close: () => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }),
  };
}

/** Ends what test runs that were killed with SIGKILL have left here. */
async function sweep(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (name.startsWith(prefix)) await sweepOne(join(parent, name));
  }
}

async function sweepOne(folder: string): Promise<void> {
  const [owner] = await lines(join(folder, 'owner'));
  if (!owner || (await isRunning(owner))) return;
  for (const identity of await lines(join(folder, 'processes'))) {
    if (await isRunning(identity)) process.kill(Number.parseInt(identity, 10), 'SIGKILL');
  }
  await rm(folder, { recursive: true, force: true });
  process.stderr.write(
    `warren: removed what a killed test run left (${basename(dirname(folder))}/${basename(folder)})\n`,
  );
}

async function isRunning(identity: string): Promise<boolean> {
  return identity === (await identityOf(Number.parseInt(identity, 10)));
}

async function lines(file: string): Promise<string[]> {
  return (await readFile(file, 'utf8').catch(() => '')).split('\n').filter(Boolean);
}
