import type { ServiceContract } from '@warren/contracts';
import type { Static, TObject } from 'typebox';
import { brokerUserProblems } from './broker-users.js';
import { databaseUrlProblem } from './database-url.js';
import { type KitConfig, kitConfigSchema } from './kit-config.js';
import { publishedSecretProblems, withDeployment } from './published-secrets.js';
import { ConfigError, type Environment, readConfig } from './read-config.js';

const brokerMissing =
  'AMQP_URL is missing: without RabbitMQ, or a bus that the process brings, this service can neither tell nor hear anything';

/**
 * A service's own variables and those of the kit, checked together. `hasBus`: the process brings an event bus, so
 * that `AMQP_URL` may be left out.
 *
 * Throws `ConfigError` with all that is wrong.
 */
export function readServiceConfig<Config extends TObject>(
  definition: { contract: Pick<ServiceContract, 'service'>; port: number; config: Config },
  env: Environment,
  hasBus: boolean,
): Static<Config> & KitConfig {
  const kitSchema = kitConfigSchema(definition.port);
  const kit = attempt(kitSchema, withDeployment(env));
  const own = attempt(definition.config, env);
  const problems = [kit, own].flatMap((outcome) => (outcome.ok ? [] : outcome.problems));
  if (kit.ok) problems.push(...databaseProblems(kit.value));
  if (kit.ok) problems.push(...brokerUserProblems(kit.value, definition.contract.service));
  if (kit.ok && kit.value.DEPLOYMENT === 'production') {
    problems.push(...publishedSecretProblems(kitSchema, kit.value));
    if (own.ok) problems.push(...publishedSecretProblems(definition.config, own.value as object));
  }
  if (!hasBus && !env.AMQP_URL && !env.AMQP_URL_FILE) problems.push(brokerMissing);
  if (!kit.ok || !own.ok || problems.length > 0) throw new ConfigError(problems);
  return Object.assign(own.value as object, kit.value) as Static<Config> & KitConfig;
}

function databaseProblems(config: KitConfig): string[] {
  const urls = { DATABASE_URL: config.DATABASE_URL, MIGRATE_DATABASE_URL: config.MIGRATE_DATABASE_URL };
  return Object.entries(urls).flatMap(([name, url]) => (url && databaseUrlProblem(name, url)) || []);
}

type Attempt<T> = { ok: true; value: T } | { ok: false; problems: readonly string[] };

function attempt<Schema extends TObject>(schema: Schema, env: Environment): Attempt<Static<Schema>> {
  try {
    return { ok: true, value: readConfig(schema, env) };
  } catch (error) {
    if (error instanceof ConfigError) return { ok: false, problems: error.problems };
    throw error;
  }
}
