import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isAlive, processesIn } from './processes.js';

/**
 * Stops a cluster that an owner killed with SIGKILL left running on `dataDir`, so that its data can be opened
 * again. A `postmaster.pid` whose number meanwhile belongs to another program is removed: PostgreSQL itself would
 * refuse to start for it. Never called while the owner lives.
 */
export async function stopLeftover(dataDir: string): Promise<void> {
  const lockFile = join(dataDir, 'postmaster.pid');
  const postmaster = await recordedPid(lockFile);
  if (!postmaster) return;

  const running = () => processesIn(dataDir, postmaster);
  const remaining = await running();
  if (remaining.includes(postmaster)) await stop(postmaster);
  // Children outlive a killed postmaster for a moment; starting beside them would damage the data.
  await until(async () => (await running()).length === 0, 15_000, `processes still work in ${dataDir}`);
  await rm(lockFile, { force: true });
}

/** SIGINT is PostgreSQL's fast shutdown (sessions end, all is written), SIGQUIT its immediate one (recovers later). */
export async function stop(pid: number): Promise<void> {
  for (const [signal, within] of [['SIGINT', 15_000] as const, ['SIGQUIT', 10_000] as const]) {
    signalTo(pid, signal);
    const gone = await until(() => !isAlive(pid), within, '').then(
      () => true,
      () => false,
    );
    if (gone) return;
  }
  throw new Error(`PostgreSQL (process ${pid}) doesn't stop`);
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

async function until(check: () => boolean | Promise<boolean>, within: number, or: string): Promise<void> {
  const deadline = Date.now() + within;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(or);
    await pause(50);
  }
}
