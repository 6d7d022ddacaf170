import type { ServiceContract } from '@warren/contracts';
import * as notification from '@warren/notification-service';
import * as payment from '@warren/payment-service';
import { ConfigError, kitConfigSchema, readServiceConfig } from '@warren/service-kit';
import * as user from '@warren/user-service';
import type { TObject } from 'typebox';

/** What the services' own code says about them: the measure for every file that deploys them. */
export interface ServiceFacts {
  name: string;
  port: number;
  internalPort: number;
  contract: ServiceContract;
  /** Names of the environment variables that it reads. */
  variables: ReadonlySet<string>;
  /** Of these, what no other service reads. */
  own: ReadonlySet<string>;
  /** Of these, what no default can stand for: who runs the service must be able to set them. */
  operators: ReadonlySet<string>;
  /** What is wrong with an environment, as the service itself would say at its start in its image. */
  problemsOf(env: Readonly<Record<string, string>>): string[];
}

interface Definition {
  name: string;
  port: number;
  contract: ServiceContract;
  config: TObject;
}

export const services: readonly ServiceFacts[] = [user, payment, notification].map((module) => {
  const definition = definitionIn(module);
  const { name, port, contract, config } = definition;
  const schemas = [kitConfigSchema(port), config];
  return {
    name,
    port,
    internalPort: port + 1_000,
    contract,
    variables: new Set(schemas.flatMap((schema) => Object.keys(schema.properties))),
    own: new Set(Object.keys(config.properties)),
    operators: new Set(Object.keys(config.properties).filter((variable) => lacksDefault(config, variable))),
    problemsOf: (env) => problemsOf(definition, { ...env, NODE_ENV: 'production' }),
  };
});

export function service(name: string): ServiceFacts {
  const found = services.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`There is no service ${name}`);
  return found;
}

/** `PORT` itself, or `PORT_FILE` for its value in a file. */
export function reads({ variables }: ServiceFacts, name: string): boolean {
  return variables.has(name) || (name.endsWith('_FILE') && variables.has(name.slice(0, -'_FILE'.length)));
}

/** Without a default, or with an empty list for one. */
function lacksDefault({ properties }: TObject, variable: string): boolean {
  const { default: value } = properties[variable] as { default?: unknown };
  return value === undefined || (Array.isArray(value) && value.length === 0);
}

function definitionIn(module: Record<string, unknown>): Definition {
  const found = Object.values(module).find(isDefinition);
  if (!found) throw new Error('The module exports no service definition');
  return found;
}

function isDefinition(value: unknown): value is Definition {
  return (
    typeof value === 'object' && value !== null && 'contract' in value && 'config' in value && 'port' in value
  );
}

function problemsOf(definition: Definition, env: Readonly<Record<string, string>>): string[] {
  try {
    readServiceConfig(definition, env, false);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return [...error.problems];
    throw error;
  }
}
