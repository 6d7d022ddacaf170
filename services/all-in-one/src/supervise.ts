import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Environment } from '@warren/service-kit';

/** A process that ends by itself is started again, up to this many times within the window. */
const restartsAllowed = 5;
const restartWindowMs = 60_000;
const readyWithinMs = 90_000;
/** Time to stop in addition to the configured drain, before the process is killed. */
const stopMarginMs = 30_000;

export interface Supervised {
  name: string;
  pid(): number | undefined;
  /** Resolves when the service is ready; rejects after 90 s. */
  ready(): Promise<void>;
  /** Rejects with a sentence once the process ends too often. */
  failed: Promise<never>;
  /** Sends SIGTERM and waits for the drain; sends SIGKILL if the process does not end. */
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

  /** Resolves to the reason why it gave up, or to `undefined` after `stop`. */
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

/** Starts it detached: Ctrl-C in a terminal reaches the whole process group, and only this program should stop its children. */
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
    return (error as Error).message; // The process could not be started.
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
