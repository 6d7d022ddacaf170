import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  createService,
  type Environment,
  type RunningService,
  type ServiceDefinition,
  type ServiceOverrides,
} from '@warren/service-kit';

/** A service that this program can run. */
export interface HostedService {
  /** `user`: also its namespace, without the slash. */
  name: string;
  /** `USER_PORT` */
  portVariable: string;
  defaultPort: number;
  /** Event types that its queue receives, even while the service does not run. */
  consumes: readonly string[];
  /** `warren_user` */
  database: string;
  /** The file that runs the service in a process of its own. */
  program: string;
  /** Runs the service in this process. */
  start(env: Environment, overrides: ServiceOverrides): Promise<RunningService>;
}

const neighbours = resolve(import.meta.dirname, '../..');

/**
 * The services whose folders lie beside this one: those whose package.json has a `warren` field. They start in the order
 * of their ports and stop in the reverse order. `folder` must hold compiled services.
 */
export async function findServices(folder = neighbours): Promise<HostedService[]> {
  const names = await readdir(folder);
  const found = await Promise.all(names.map((name) => serviceIn(join(folder, name))));
  return found.filter((service) => service !== undefined).sort((a, b) => a.defaultPort - b.defaultPort);
}

async function serviceIn(folder: string): Promise<HostedService | undefined> {
  const manifest = join(folder, 'package.json');
  if (!existsSync(manifest) || !('warren' in JSON.parse(await readFile(manifest, 'utf8')))) return undefined;
  const program = join(folder, 'dist/main.js');
  const exported: Record<string, unknown> = await import(pathToFileURL(program).href);
  const definition = Object.values(exported).find(isDefinition);
  if (!definition) throw new Error(`${program} exports no service definition`);
  const { contract, port, events = [] } = definition;
  const name = contract.service;
  return {
    name,
    portVariable: `${name.toUpperCase().replaceAll('-', '_')}_PORT`,
    defaultPort: port,
    consumes: [...new Set(events.map(({ type }) => type))],
    database: `warren_${name}`,
    program,
    start: (env, overrides) => createService(definition, env, overrides),
  };
}

function isDefinition(value: unknown): value is ServiceDefinition {
  return typeof value === 'object' && value !== null && 'contract' in value && 'doors' in value;
}
