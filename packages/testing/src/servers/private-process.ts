import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Workshop } from './workshop.js';

export interface PrivateProcess {
  pid: number;
  /** Ends it together with all that it started; what it kept is thrown away, so nothing is shut down in order. */
  stop(): Promise<void>;
  /** Asks it with SIGTERM to end in order; after 30 s it is ended as by `stop`. */
  terminate(): Promise<void>;
}

export interface Program {
  name: string;
  file: string;
  args: string[];
  env?: Record<string, string>;
}

/**
 * Starts an installed program in a process group of its own and waits until `ready` resolves. Its output goes to a
 * file, whose end is part of the error if it ends early or isn't ready within 90 s.
 */
export async function startProcess(
  workshop: Workshop,
  program: Program,
  ready: () => Promise<void>,
): Promise<PrivateProcess> {
  const folder = join(workshop.folder, program.name);
  await mkdir(folder, { recursive: true });
  const log = join(folder, 'output.log');
  const output = await open(log, 'a');
  // Detached, so that Ctrl-C doesn't reach it: the tests end before their servers.
  const child = spawn(program.file, program.args, {
    cwd: folder,
    env: { ...process.env, ...program.env },
    detached: true,
    stdio: ['ignore', output.fd, output.fd],
  });
  const over = new AbortController();
  const early = endsEarly(child, over); // Before anything is awaited: it may end meanwhile.
  await output.close();
  const stop = () => endGroup(child);
  try {
    if (child.pid) await workshop.record(child.pid);
    await Promise.race([untilReady(ready, over.signal), early]);
  } catch (error) {
    await stop();
    const tail = (await readFile(log, 'utf8').catch(() => '')).trim().slice(-1_500);
    throw new Error(`${program.name} did not start: ${(error as Error).message}\n${tail}`);
  }
  return { pid: child.pid ?? 0, stop, terminate: () => terminate(child) };
}

async function untilReady(ready: () => Promise<void>, over: AbortSignal): Promise<void> {
  const deadline = Date.now() + 90_000;
  for (;;) {
    over.throwIfAborted();
    try {
      return await ready();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await pause(100);
  }
}

/** Rejects when the program ends or can't be started, and aborts `over` then. */
function endsEarly(child: ChildProcess, over: AbortController): Promise<never> {
  const early = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`it ended at once (${signal ?? code})`);
  });
  early.catch((error) => over.abort(error)); // Once it is ready nobody listens any more: then it may end.
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

/** A port that nothing uses at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
