import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { quietPorts } from '@warren/testing';
import { root } from './process.js';
import { type ServiceName, type System, services } from './system.js';

const execute = promisify(execFile);

/** Variables that name existing images of the services. If one is not set, the images are built. */
export const imageVariables = services.map((service) => `${service.toUpperCase()}_IMAGE`);

/**
 * The containers of the repository's `docker-compose.yml`, as a separate project on free ports. Image names and build
 * arguments come from the environment; a file named `.env` is ignored.
 */
export class ComposeSystem implements System {
  readonly #ports: Record<ServiceName, number>;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(ports: readonly number[]) {
    this.#ports = Object.fromEntries(services.map((service, index) => [service, ports[index]])) as never;
    this.#env = { ...process.env };
    for (const service of services) {
      this.#env[`${service.toUpperCase()}_PORT`] = String(this.#ports[service]);
    }
  }

  static async create(): Promise<ComposeSystem> {
    return new ComposeSystem(await quietPorts(services.length));
  }

  urls(service: ServiceName): string[] {
    return [`http://127.0.0.1:${this.#ports[service]}`];
  }

  /** Starts the containers, and resolves when all are healthy. `more`: additional variables. */
  async up(more: Record<string, string> = {}): Promise<void> {
    const build = imageVariables.every((name) => process.env[name]) ? '--no-build' : '--build';
    await this.compose(['up', '--detach', build, '--wait', '--wait-timeout', '300'], more);
  }

  /** Stops and removes the containers, and keeps the volumes. */
  async down(): Promise<void> {
    await this.compose(['down']);
  }

  async close(): Promise<void> {
    await this.compose(['down', '--volumes', '--remove-orphans']);
  }

  /** The id of a service's container. It changes when the container is recreated. */
  async container(service: string): Promise<string> {
    return (await this.compose(['ps', '--quiet', service])).trim();
  }

  /** Runs a command in a running container, and returns its output. */
  async exec(service: string, ...command: string[]): Promise<string> {
    return await this.compose(['exec', '--no-TTY', service, ...command]);
  }

  /** Runs a compose command, and returns its output. Rejects with its error output. */
  async compose(args: readonly string[], more: Record<string, string> = {}): Promise<string> {
    const project = [
      'compose',
      '--project-name',
      `warren-story-${process.pid}`,
      '--env-file',
      'compose/empty',
    ];
    const { stdout } = await execute('docker', [...project, ...args], {
      cwd: root,
      env: { ...this.#env, ...more },
      timeout: 1_200_000,
      maxBuffer: 64_000_000,
    });
    return stdout;
  }
}

/** The CPU time of a container in seconds, including its health checks. */
export async function cpuSeconds(system: ComposeSystem, service: string): Promise<number> {
  // cgroup v2 counts microseconds, v1 nanoseconds.
  const script =
    'cat /sys/fs/cgroup/cpu.stat 2>/dev/null || echo usage_ns $(cat /sys/fs/cgroup/cpuacct/cpuacct.usage)';
  const printed = await system.exec(service, 'sh', '-c', script);
  const [, unit, count] = /^usage_(usec|ns) (\d+)$/m.exec(printed) ?? [];
  if (!unit) throw new Error(`no CPU time in ${printed}`);
  return Number(count) / (unit === 'usec' ? 1e6 : 1e9);
}
