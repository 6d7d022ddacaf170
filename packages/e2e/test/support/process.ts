import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../../../', import.meta.url));

/** One of our programs as a separate process. */
export class Program {
  readonly child: ChildProcess;
  #output = '';

  private constructor(args: string[], env: Record<string, string>) {
    this.child = spawn(process.execPath, args, {
      cwd: root,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, LOG_LEVEL: 'warn', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-20_000);
      });
    }
  }

  /** Starts it, and resolves when all `ports` are ready. Rejects with its output if it ends before. */
  static async start(
    args: string[],
    env: Record<string, string>,
    ports: readonly number[],
    within = 120_000,
  ): Promise<Program> {
    const program = new Program(args, env);
    const deadline = Date.now() + within;
    for (const port of ports) {
      while (!(await isReady(port))) {
        const { exitCode, signalCode } = program.child;
        if (exitCode !== null || signalCode !== null || Date.now() > deadline) {
          program.child.kill('SIGKILL');
          throw new Error(
            `port ${port} did not become ready (exit ${exitCode ?? signalCode}):\n${program.#output}`,
          );
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    return program;
  }

  get output(): string {
    return this.#output;
  }

  /** Kills it with SIGKILL, and resolves when it has ended. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Ends it with SIGTERM, and resolves to the exit code. After 30 s kills it and resolves to null. */
  async stop(): Promise<number | null> {
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 30_000);
    await this.#end('SIGTERM');
    clearTimeout(timer);
    return this.child.exitCode;
  }

  /** Sends two SIGINTs, as Ctrl-C in a terminal does to a program under npm. Resolves to the exit code. */
  async interrupt(): Promise<number | null> {
    const gone = once(this.child, 'exit');
    this.child.kill('SIGINT');
    this.child.kill('SIGINT');
    await gone;
    return this.child.exitCode;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill(signal);
    await gone;
  }
}

async function isReady(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health/ready`, {
      signal: AbortSignal.timeout(1_000),
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
