import { type ChildProcess, fork } from 'node:child_process';
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** A message from the parent to the child over the IPC channel. */
export interface Question {
  id: number;
  name: string;
  input: unknown;
}

export type Answer = { id: number; ok: true; value: unknown } | { id: number; ok: false; reason: string };

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export interface ChildOptions {
  name: string;
  /** The compiled module to run. */
  script: URL;
  env: Record<string, string>;
  /** Receives the child's output. */
  logFile: string;
  /** Node's own arguments, for example `--cpu-prof`. */
  nodeArguments?: readonly string[];
}

/** A child process that answers questions. It ends with its parent. */
export class Child {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #lastId = 0;

  static async start(options: ChildOptions): Promise<Child> {
    const log = await open(options.logFile, 'a');
    try {
      const child = fork(fileURLToPath(options.script), {
        env: { PATH: process.env.PATH, ...options.env },
        execArgv: [...(options.nodeArguments ?? [])],
        stdio: ['ignore', log.fd, log.fd, 'ipc'],
      });
      return new Child(options.name, child);
    } finally {
      await log.close();
    }
  }

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#process = child;
    child.on('message', (message) => this.#settle(message as Answer));
    child.on('error', (error) => this.#failAll(error));
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#failAll(new Error(`${name} ended with ${signal ?? `exit code ${code}`}`));
        resolve();
      });
    });
  }

  /** Rejects when the child answers with a failure, ends, or doesn't answer within `timeoutMs`. */
  ask<T>(name: string, input: unknown, timeoutMs: number): Promise<T> {
    if (!this.#process.connected) return Promise.reject(new Error(`${this.name} has ended`));
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`${this.name} did not answer '${name}' within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#waiting.set(id, {
        resolve: (value) => {
          clearTimeout(timer);
          resolve(value as T);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.#process.send({ id, name, input } satisfies Question);
    });
  }

  /** Ends the child with SIGTERM, and with SIGKILL if it still runs after `timeoutMs`. */
  async stop(timeoutMs = 15_000): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), timeoutMs);
    await this.#exited;
    clearTimeout(timer);
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    if (!waiting) return;
    this.#waiting.delete(answer.id);
    if (answer.ok) waiting.resolve(answer.value);
    else waiting.reject(new Error(`${this.name}: ${answer.reason}`));
  }

  #failAll(error: Error): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}
