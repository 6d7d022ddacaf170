import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ServerFolder } from './server-folder.js';

export interface PrivateProcess {
  pid: number;
  /** Kills it and its children with SIGKILL. Its data is temporary, so it needs no shutdown. */
  stop(): Promise<void>;
  /** Asks it to shut down with SIGTERM. After 30 s it is killed as by `stop`. */
  terminate(): Promise<void>;
}

export interface Program {
  name: string;
  file: string;
  args: string[];
  env?: Record<string, string>;
}

/**
 * Starts a program in its own process group and waits until `ready` resolves. Its output goes to a file. If it ends
 * early or isn't ready within 90 s, the error shows the end of that file.
 */
export async function startProcess(
  serverFolder: ServerFolder,
  program: Program,
  ready: () => Promise<void>,
): Promise<PrivateProcess> {
  const folder = join(serverFolder.path, program.name);
  await mkdir(folder, { recursive: true });
  const log = join(folder, 'output.log');
  const output = await open(log, 'a');
  // Detached, so that Ctrl-C doesn't reach it: the servers must outlive the tests.
  const child = spawn(program.file, program.args, {
    cwd: folder,
    env: { ...process.env, ...program.env },
    detached: true,
    stdio: ['ignore', output.fd, output.fd],
  });
  const exited = new AbortController();
  const early = endsEarly(child, exited); // Before the first await, because the process may end during it.
  await output.close();
  const stop = () => endGroup(child);
  try {
    if (child.pid) await serverFolder.record(child.pid);
    await Promise.race([untilReady(ready, exited.signal), early]);
  } catch (error) {
    await stop();
    const tail = (await readFile(log, 'utf8').catch(() => '')).trim().slice(-1_500);
    throw new Error(`${program.name} did not start: ${(error as Error).message}\n${tail}`);
  }
  return { pid: child.pid ?? 0, stop, terminate: () => terminate(child) };
}

async function untilReady(ready: () => Promise<void>, exited: AbortSignal): Promise<void> {
  const deadline = Date.now() + 90_000;
  for (;;) {
    exited.throwIfAborted();
    try {
      return await ready();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await pause(100);
  }
}

/** Rejects and aborts `exited` when the program ends or can't be started. */
function endsEarly(child: ChildProcess, exited: AbortController): Promise<never> {
  const early = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`it ended at once (${signal ?? code})`);
  });
  early.catch((error) => exited.abort(error)); // Also handles the rejection after the program is ready.
  return early;
}

async function endGroup(child: ChildProcess): Promise<void> {
  if (!child.pid || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  process.kill(-child.pid, 'SIGKILL');
  await exited;
}

async function terminate(child: ChildProcess): Promise<void> {
  if (!child.pid || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  const timer = setTimeout(() => void endGroup(child), 30_000);
  child.kill('SIGTERM');
  await exited;
  clearTimeout(timer);
}
