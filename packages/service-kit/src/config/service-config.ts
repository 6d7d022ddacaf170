import type { ServiceContract } from '@warren/contracts';
import { brokerUser } from '@warren/event-bus';
import type { Logger } from 'pino';
import type { Static, TObject } from 'typebox';
import { type KitConfig, kitConfigSchema } from './kit-config.js';
import { ConfigError, type Environment, isSecret, readConfig } from './read-config.js';

/**
 * Reads a service's own variables and those of the kit, and checks them together. `AMQP_URL` is optional if the process
 * brings an event bus (`hasBus`).
 *
 * Throws `ConfigError` with all problems.
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

const brokerMissing =
  'AMQP_URL is missing: without RabbitMQ, or a bus that the process brings, this service can neither publish nor consume events';

type Attempt<T> = { ok: true; value: T } | { ok: false; problems: readonly string[] };

function attempt<Schema extends TObject>(schema: Schema, env: Environment): Attempt<Static<Schema>> {
  try {
    return { ok: true, value: readConfig(schema, env) };
  } catch (error) {
    if (error instanceof ConfigError) return { ok: false, problems: error.problems };
    throw error;
  }
}

/** The images set `NODE_ENV` to `production`; that is the default of `DEPLOYMENT`. */
function withDeployment(env: Environment): Environment {
  if (env.DEPLOYMENT || env.DEPLOYMENT_FILE || env.NODE_ENV !== 'production') return env;
  return { ...env, DEPLOYMENT: 'production' };
}

function databaseProblems(config: KitConfig): string[] {
  const urls = { DATABASE_URL: config.DATABASE_URL, MIGRATE_DATABASE_URL: config.MIGRATE_DATABASE_URL };
  return Object.entries(urls).flatMap(([name, url]) => (url && databaseUrlProblem(name, url)) || []);
}

/** The problem never contains the address, since the address contains a password. */
function databaseUrlProblem(name: string, address: string): string | undefined {
  if (!URL.canParse(address)) {
    return `${name} is not a URL: special characters in the user name, password or database must be percent-encoded`;
  }
  const schema = new URL(address).searchParams.get('schema');
  if (schema === null || schema === 'public') return undefined;
  return `${name}: schema=${schema} is not possible: a service keeps its tables in the schema public, and the kit keeps its own in MESSAGING_SCHEMA, in a database that no other service uses`;
}

/** All passwords and secrets in docker-compose.yml and k8s/overlays/quickstart contain this text. */
const published = 'development-only';

function publishedSecretProblems(schema: TObject, values: object): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const property = schema.properties[name];
    const isPublished = property && isSecret(property) && String(value).includes(published);
    if (!isPublished) return [];
    return [
      `${name} contains "${published}", a secret that is published with the code: set one of your own, ` +
        'or set DEPLOYMENT=development if nobody else can reach this service',
    ];
  });
}

type BrokerConfig = Pick<KitConfig, 'AMQP_URL' | 'AMQP_USERS'>;

/** Whether each service has a broker user of its own name, or all services connect as one user. */
export function brokerUsersOf(
  { AMQP_URL, AMQP_USERS }: BrokerConfig,
  service: string,
): 'per-service' | 'shared' {
  return AMQP_USERS ?? (AMQP_URL && brokerUser(AMQP_URL) === service ? 'per-service' : 'shared');
}

/** With a user of another name, the other services would refuse everything that this service publishes. */
function brokerUserProblems({ AMQP_URL, AMQP_USERS }: BrokerConfig, service: string): string[] {
  if (AMQP_USERS !== 'per-service' || AMQP_URL === undefined || brokerUser(AMQP_URL) === service) return [];
  return [`AMQP_USERS is per-service, but the user in AMQP_URL is not "${service}"`];
}

/** Logs a warning if all services share one broker user in production. */
export function warnOfSharedUser(
  config: BrokerConfig & Pick<KitConfig, 'DEPLOYMENT'>,
  service: string,
  log: Logger,
): void {
  if (config.DEPLOYMENT !== 'production' || config.AMQP_URL === undefined) return;
  if (brokerUsersOf(config, service) === 'shared')
    log.warn(
      'all services share one broker user, so each can publish in the name of the others: give each a user of its own name',
    );
}
