import { appendFile, chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { identityOf } from '@warren/local-postgres';

const prefix = 'warren-test-servers-';

/** A temporary folder for private servers. It records their processes, so that a later run can end them. */
export interface ServerFolder {
  path: string;
  /** Records a process, which the next test run kills if this run is killed. */
  record(pid: number): Promise<void>;
  close(): Promise<void>;
}

/** Creates the folder in `parent`, and ends the servers of killed test runs. */
export async function openServerFolder(parent: string = tmpdir()): Promise<ServerFolder> {
  await endAbandonedServers(parent);
  const folder = await mkdtemp(join(parent, prefix));
  await chmod(folder, 0o755); // Servers that run as another user keep their data in it.
  await writeFile(join(folder, 'owner'), `${await identityOf(process.pid)}\n`);
  return {
    path: folder,
    async record(pid) {
      await appendFile(join(folder, 'processes'), `${await identityOf(pid)}\n`);
    },
    // Retried, because a killed process may still write for a moment.
    close: () => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }),
  };
}

/** Ends the servers of test runs that were killed with SIGKILL. */
async function endAbandonedServers(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (name.startsWith(prefix)) await endIfAbandoned(join(parent, name));
  }
}

async function endIfAbandoned(folder: string): Promise<void> {
  const [owner] = await lines(join(folder, 'owner'));
  if (!owner || (await isRunning(owner))) return;
  for (const identity of await lines(join(folder, 'processes'))) {
    if (await isRunning(identity)) process.kill(Number.parseInt(identity, 10), 'SIGKILL');
  }
  await rm(folder, { recursive: true, force: true });
  process.stderr.write(
    `warren: removed the servers of a killed test run (${basename(dirname(folder))}/${basename(folder)})\n`,
  );
}

async function isRunning(identity: string): Promise<boolean> {
  return identity === (await identityOf(Number.parseInt(identity, 10)));
}

async function lines(file: string): Promise<string[]> {
  return (await readFile(file, 'utf8').catch(() => '')).split('\n').filter(Boolean);
}
