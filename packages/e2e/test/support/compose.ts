import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { quietPorts } from '@warren/testing';
import { root } from './process.js';
import { type ServiceName, type System, services } from './system.js';

const execute = promisify(execFile);

/** Environment variables that name images which exist already; where one is missing, the services' are built. */
export const imageVariables = services.map((service) => `${service.toUpperCase()}_IMAGE`);

/**
 * What `docker compose` makes of the repository's `docker-compose.yml`, as a project of its own on free ports. Takes
 * image names and build arguments from the environment, and nothing from a file named `.env`.
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

  /** Resolves once every container is healthy. `more`: variables besides those of the environment. */
  async up(more: Record<string, string> = {}): Promise<void> {
    const build = imageVariables.every((name) => process.env[name]) ? '--no-build' : '--build';
    await this.compose(['up', '--detach', build, '--wait', '--wait-timeout', '300'], more);
  }

  /** Ends and removes the containers; volumes stay. */
  async down(): Promise<void> {
    await this.compose(['down']);
  }

  async close(): Promise<void> {
    await this.compose(['down', '--volumes', '--remove-orphans']);
  }

  /** The container that runs a service. Another one after it was recreated. */
  async container(service: string): Promise<string> {
    return (await this.compose(['ps', '--quiet', service])).trim();
  }

  /** What a command in a running container prints. */
  async exec(service: string, ...command: string[]): Promise<string> {
    return await this.compose(['exec', '--no-TTY', service, ...command]);
  }

  /** Answers what it prints; rejects with what it complained about. */
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

/** Seconds of CPU time that a container has used, health checks included. */
export async function cpuSeconds(system: ComposeSystem, service: string): Promise<number> {
  // cgroup v2 counts microseconds, v1 nanoseconds.
  const script =
    'cat /sys/fs/cgroup/cpu.stat 2>/dev/null || echo usage_ns $(cat /sys/fs/cgroup/cpuacct/cpuacct.usage)';
  const printed = await system.exec(service, 'sh', '-c', script);
  const [, unit, count] = /^usage_(usec|ns) (\d+)$/m.exec(printed) ?? [];
  if (!unit) throw new Error(`no CPU time in ${printed}`);
  return Number(count) / (unit === 'usec' ? 1e6 : 1e9);
}
