import { execFile } from 'node:child_process';
import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
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
 * Names a process beyond its number, which the system hands out again (in containers soon): number and start
 * time. `undefined` if there is none.
 */
export async function identityOf(pid: number): Promise<string | undefined> {
  if (!isAlive(pid)) return undefined;
  const started =
    process.platform === 'linux' ? await startTicks(pid) : await ps(pid, 'lstart=').catch(() => undefined);
  return started && `${pid} ${started}`;
}

/** Processes that work in `directory`, as every process of a PostgreSQL cluster does in its data directory. */
export async function processesIn(directory: string, suspect: number | undefined): Promise<number[]> {
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
      const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => undefined); // Gone, or another user's.
      return cwd === wanted ? Number(pid) : undefined;
    }),
  );
  return found.filter((pid) => pid !== undefined);
}

async function startTicks(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name in parentheses may hold spaces; the start time is the 20th field after it.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

async function ps(pid: number, format: string): Promise<string> {
  const { stdout } = await run('ps', ['-o', format, '-p', String(pid)], { timeout: 5_000 });
  return stdout.trim();
}
