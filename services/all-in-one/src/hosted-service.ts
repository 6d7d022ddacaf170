import { fileURLToPath } from 'node:url';
import {
  createService,
  type Environment,
  type RunningService,
  type ServiceClient,
  type ServiceDefinition,
  type ServiceOverrides,
} from '@warren/service-kit';
import type { RawClient } from '@warren/unit-of-work';
import type { TObject } from 'typebox';

/** What this program needs to know of a service. */
export interface HostedService {
  /** `user`: also its namespace, without the slash. */
  name: string;
  /** `USER_PORT` */
  portVariable: string;
  defaultPort: number;
  /** Event types that its queue takes, also while it isn't there. */
  consumes: readonly string[];
  /** `warren_user` */
  database: string;
  /** The file that runs it in a process of its own. */
  program: string;
  /** Runs it in this process. */
  start(env: Environment, overrides: ServiceOverrides): Promise<RunningService>;
}

export function hosted<Config extends TObject, Db extends RawClient, Client extends ServiceClient<Db>>(
  definition: ServiceDefinition<Config, Db, Client>,
  { program }: { program: string },
): HostedService {
  const { name, port } = definition;
  return {
    name,
    portVariable: `${name.toUpperCase()}_PORT`,
    defaultPort: port,
    consumes: definition.contract.consumes,
    database: `warren_${name}`,
    program: fileURLToPath(import.meta.resolve(program)),
    start: (env, overrides) => createService(definition, env, overrides),
  };
}
