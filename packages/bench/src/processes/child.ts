import { type ChildProcess, fork } from 'node:child_process';
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Answer, Question } from './messages.js';

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export interface ChildOptions {
  name: string;
  /** The compiled module to run. */
  script: URL;
  env: Record<string, string>;
  /** Takes everything the child prints. */
  logFile: string;
  /** Node's own arguments, for example `--cpu-prof`. */
  nodeArguments?: readonly string[];
}

/** A process of ours that answers questions. It ends with its parent, and by its pid alone. */
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

  /** Rejects when the child answers with a failure, ends, or says nothing for `withinMs`. */
  ask<T>(name: string, input: unknown, withinMs: number): Promise<T> {
    if (!this.#process.connected) return Promise.reject(new Error(`${this.name} is gone`));
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`${this.name} did not answer '${name}' within ${withinMs} ms`));
      }, withinMs);
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

  /** SIGTERM, and SIGKILL for a child that is still there after `withinMs`. */
  async stop(withinMs = 15_000): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), withinMs);
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
