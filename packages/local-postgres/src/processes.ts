import { execFile } from 'node:child_process';
import { readdir, readFile, readlink, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Identifies a process by its number and start time, because systems reuse numbers, in containers soon. Returns
 * `undefined` if there is no such process.
 */
export async function identityOf(pid: number): Promise<string | undefined> {
  if (!isAlive(pid)) return undefined;
  const started =
    process.platform === 'linux' ? await startTicks(pid) : await ps(pid, 'lstart=').catch(() => undefined);
  return started && `${pid} ${started}`;
}

/** Processes whose working directory is `directory`. Every process of a cluster works in its data directory. */
async function processesIn(directory: string, suspect: number | undefined): Promise<number[]> {
  if (process.platform === 'linux') return linuxProcessesIn(directory);
  if (!suspect || !isAlive(suspect)) return [];
  const command = await ps(suspect, 'command=').catch(() => '');
  return command.includes(directory) ? [suspect] : [];
}

async function linuxProcessesIn(directory: string): Promise<number[]> {
  const wanted = await realpath(directory);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => undefined); // It has ended, or belongs to another user.
      return cwd === wanted ? Number(pid) : undefined;
    }),
  );
  return found.filter((pid) => pid !== undefined);
}

async function startTicks(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name in parentheses may contain spaces. The start time is the 20th field after it.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

async function ps(pid: number, format: string): Promise<string> {
  const { stdout } = await run('ps', ['-o', format, '-p', String(pid)], { timeout: 5_000 });
  return stdout.trim();
}

/**
 * Stops a cluster that still runs on `dataDir` after its owner was killed with SIGKILL. Removes a `postmaster.pid`
 * whose number belongs to another program by now, because PostgreSQL would refuse to start. Must not be called while
 * the owner is alive.
 */
export async function stopLeftover(dataDir: string): Promise<void> {
  const lockFile = join(dataDir, 'postmaster.pid');
  const postmaster = await recordedPid(lockFile);
  if (!postmaster) return;

  const running = () => processesIn(dataDir, postmaster);
  const remaining = await running();
  if (remaining.includes(postmaster)) await stop(postmaster);
  // Children outlive a killed postmaster for a moment. Starting while they run would damage the data.
  await until(async () => (await running()).length === 0, 15_000, `processes still run in ${dataDir}`);
  await rm(lockFile, { force: true });
}

/** Stops PostgreSQL with SIGINT (fast shutdown), and if that takes too long with SIGQUIT (it recovers at its start). */
export async function stop(pid: number): Promise<void> {
  for (const [signal, ms] of [['SIGINT', 15_000] as const, ['SIGQUIT', 10_000] as const]) {
    signalTo(pid, signal);
    const gone = await until(() => !isAlive(pid), ms, 'still alive').then(
      () => true,
      () => false,
    );
    if (gone) return;
  }
  throw new Error(`PostgreSQL (process ${pid}) does not stop`);
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function recordedPid(lockFile: string): Promise<number | undefined> {
  const text = await readFile(lockFile, 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  return pid > 0 ? pid : undefined;
}

async function until(check: () => boolean | Promise<boolean>, ms: number, message: string): Promise<void> {
  const deadline = Date.now() + ms;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(message);
    await pause(50);
  }
}
