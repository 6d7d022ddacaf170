import type { ServiceContract } from '@warren/contracts';
import { ConfigError, kitConfigSchema, readServiceConfig } from '@warren/service-kit';
import type { TObject } from 'typebox';
import { pathOf } from './repository.js';

/** A service as its own code describes it. The checks compare the files that deploy it with this. */
export interface ServiceFacts {
  name: string;
  port: number;
  internalPort: number;
  contract: ServiceContract;
  /** Event types that it handles. */
  consumes: readonly string[];
  /** Names of the environment variables that it reads. */
  variables: ReadonlySet<string>;
  /** Those of them without a default, which an operator must be able to set. */
  operators: ReadonlySet<string>;
  /** What the service in its image would report at its start as wrong with an environment. */
  problemsOf(env: Readonly<Record<string, string>>): string[];
}

interface Definition {
  port: number;
  contract: ServiceContract;
  events?: readonly { type: string }[];
  config: TObject;
}

const { findServices } = (await import(pathOf('scripts/lib/services.mjs'))) as {
  findServices(): Array<{ name: string }>;
};

export const services: readonly ServiceFacts[] = (await Promise.all(findServices().map(read)))
  .map(describe)
  .sort((a, b) => a.port - b.port);

async function read({ name }: { name: string }): Promise<Definition> {
  const module: Record<string, unknown> = await import(`@warren/${name}-service`);
  const definition = Object.values(module).find(isDefinition);
  if (!definition) throw new Error(`services/${name}/src/main.ts exports no service definition`);
  return definition;
}

function describe(definition: Definition): ServiceFacts {
  const { port, contract, config, events = [] } = definition;
  const name = contract.service;
  const schemas = [kitConfigSchema(port), config];
  return {
    name,
    port,
    internalPort: port + 1_000,
    contract,
    consumes: [...new Set(events.map(({ type }) => type))],
    variables: new Set(schemas.flatMap((schema) => Object.keys(schema.properties))),
    operators: new Set(Object.keys(config.properties).filter((variable) => lacksDefault(config, variable))),
    problemsOf: (env) => problemsOf(definition, { ...env, NODE_ENV: 'production' }),
  };
}

export function service(name: string): ServiceFacts {
  const found = services.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`There is no service ${name}`);
  return found;
}

/** Whether the service reads a variable: `PORT`, or `PORT_FILE` for a file that holds its value. */
export function reads({ variables }: ServiceFacts, name: string): boolean {
  return variables.has(name) || (name.endsWith('_FILE') && variables.has(name.slice(0, -'_FILE'.length)));
}

/** An empty list does not count as a default. */
function lacksDefault({ properties }: TObject, variable: string): boolean {
  const { default: value } = properties[variable] as { default?: unknown };
  return value === undefined || (Array.isArray(value) && value.length === 0);
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
