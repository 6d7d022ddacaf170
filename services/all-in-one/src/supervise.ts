import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Environment } from '@warren/service-kit';

/** A process that ended by itself is started again, unless that happened this often within the window. */
const restartsAllowed = 5;
const restartWindowMs = 60_000;
const readyWithinMs = 90_000;
/** Beyond the longest drain that a service may be configured to, it isn't stopping any more. */
const stopMarginMs = 30_000;

export interface Supervised {
  name: string;
  pid(): number | undefined;
  /** Resolves when it says that it can serve; rejects after 90 s. */
  ready(): Promise<void>;
  /** Rejects with a sentence once it ends too often to go on. */
  failed: Promise<never>;
  /** SIGTERM, waits for the drain, and SIGKILL if that never ends. */
  stop(): Promise<void>;
}

export interface SupervisedProgram {
  name: string;
  /** Path of a Node program. */
  program: string;
  env: Environment;
  readyUrl: string;
}

/** Keeps a service's process running. */
export function supervise({ name, program, env, readyUrl }: SupervisedProgram): Supervised {
  const stopping = new AbortController();
  let child: ChildProcess | undefined;

  /** Answers why it gave up, if it wasn't told to stop. */
  async function keepRunning(): Promise<string | undefined> {
    const ends: number[] = [];
    while (!stopping.signal.aborted) {
      child = launch(program, env);
      const how = await ending(child);
      if (stopping.signal.aborted) break;
      ends.push(Date.now());
      const recent = ends.filter((time) => time > Date.now() - restartWindowMs).length;
      if (recent > restartsAllowed) return `the ${name} service ended ${recent} times in a minute (${how})`;
      process.stderr.write(`warren: the ${name} service ended (${how}); starting it again\n`);
      await pause(250 * 2 ** recent, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
    return undefined;
  }

  const over = keepRunning();
  return {
    name,
    pid: () => child?.pid,
    ready: () => isReady(name, readyUrl, stopping.signal),
    failed: over.then((reason) =>
      reason ? Promise.reject(new Error(reason)) : new Promise(() => undefined),
    ),
    async stop() {
      stopping.abort();
      if (child) await end(child, Number(env.DRAIN_SECONDS ?? 10) * 1000 + stopMarginMs);
      await over;
    },
  };
}

/** Detached, because Ctrl-C in a terminal goes to the whole process group: it is told once, by us. */
function launch(program: string, env: Environment): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, 'child.js'), program], {
    env: { ...env },
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

async function ending(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = await once(child, 'exit');
    return signal ? `signal ${signal}` : `exit code ${code}`;
  } catch (error) {
    return (error as Error).message; // It could not be started.
  }
}

async function end(child: ChildProcess, withinMs: number): Promise<void> {
  if (!child.pid || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), withinMs);
  await exited;
  clearTimeout(timer);
}

async function isReady(name: string, url: string, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + readyWithinMs;
  while (Date.now() < deadline && !signal.aborted) {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok) return;
    await pause(100);
  }
  throw new Error(`the ${name} service was not ready within ${readyWithinMs / 1000} s`);
}
