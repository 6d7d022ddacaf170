import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Service } from '../services.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

/** A process crashed, or did not shut down cleanly. */
export interface BadEnd {
  instance: string;
  what: string;
}

export interface InstanceOptions {
  service: Service;
  index: number;
  port: number;
  env: Record<string, string>;
  /** Receives the process's output. */
  logFile: string;
  /** Called with each process's id, so that it can be ended even if this process is killed. */
  started(pid: number): Promise<void>;
}

/** Long enough for a busy machine. */
const startTimeoutMs = 300_000;
const drainTimeoutMs = 90_000;

/** One instance of a service in its own process. Like an orchestrator, it restarts a process that ends by itself. */
export class Instance {
  readonly name: string;
  readonly port: number;
  readonly badEnds: BadEnd[] = [];
  readonly #options: InstanceOptions;
  #child: ChildProcess | undefined;
  #wanted = false;
  #wasReady = false;
  #restart: Promise<void> = Promise.resolve();

  constructor(options: InstanceOptions) {
    this.name = `${options.service}/${options.index}`;
    this.port = options.port;
    this.#options = options;
  }

  /** Resolves when it is ready, after as many starts as needed. Rejects after five minutes. */
  async start(): Promise<void> {
    this.#wanted = true;
    const deadline = Date.now() + startTimeoutMs;
    while (this.#wanted && !(await this.#isReady())) {
      if (Date.now() > deadline) throw new Error(`${this.name} was not ready within five minutes`);
      if (!this.#isRunning) await this.#launch();
      await pause(100);
    }
    this.#wasReady = this.#wanted;
  }

  /** Kills the process with SIGKILL. */
  async kill(): Promise<void> {
    this.#wanted = false;
    await this.#end('SIGKILL');
  }

  /** Ends the process with SIGTERM: it must drain and end with exit code 0. */
  async terminate(): Promise<void> {
    this.#wanted = false;
    const wasReady = this.#wasReady;
    const child = this.#child;
    const timer = setTimeout(() => child?.kill('SIGKILL'), drainTimeoutMs);
    await this.#end('SIGTERM');
    clearTimeout(timer);
    if (wasReady && child && child.exitCode !== 0) {
      const how = child.exitCode === null ? `not within ${drainTimeoutMs} ms` : `exit code ${child.exitCode}`;
      this.badEnds.push({ instance: this.name, what: `it did not shut down cleanly after SIGTERM: ${how}` });
    }
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Kills the process and does not restart it. */
  async close(): Promise<void> {
    this.thaw();
    await this.kill();
    await this.#restart;
  }

  get #isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async #launch(): Promise<void> {
    const { service, env, logFile, started } = this.#options;
    const log = await open(logFile, 'a');
    // Another caller may have stopped or started it during the await.
    if (!this.#wanted || this.#isRunning) return log.close();
    const child = spawn(process.execPath, [`services/${service}/dist/main.js`], {
      cwd: root,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      stdio: ['ignore', log.fd, log.fd],
    });
    this.#child = child;
    this.#wasReady = false;
    child.once('exit', (code, signal) => this.#ended(child, signal ?? `exit code ${code}`));
    await log.close();
    if (child.pid) await started(child.pid);
  }

  #ended(child: ChildProcess, how: string): void {
    if (child !== this.#child || !this.#wanted || !this.#wasReady) return;
    this.#wasReady = false;
    this.badEnds.push({ instance: this.name, what: `it ended by itself: ${how}` });
    this.#restart = this.start().catch((error: Error) => {
      this.badEnds.push({ instance: this.name, what: error.message });
    });
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#wasReady = false;
    if (!child || !this.#isRunning) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  async #isReady(): Promise<boolean> {
    if (!this.#isRunning) return false;
    try {
      const response = await fetch(`http://127.0.0.1:${this.port}/health/ready`, {
        signal: AbortSignal.timeout(2_000),
      });
      await response.arrayBuffer();
      return response.ok;
    } catch {
      return false;
    }
  }
}
