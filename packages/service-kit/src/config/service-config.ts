import type { Static, TObject } from 'typebox';
import { type KitConfig, kitConfigSchema } from './kit-config.js';
import { ConfigError, type Environment, readConfig } from './read-config.js';

/** A service's own variables and those of the kit, checked together. Throws `ConfigError` with all that is wrong. */
export function readServiceConfig<Config extends TObject>(
  service: { port: number; config: Config },
  env: Environment,
): Static<Config> & KitConfig {
  const kit = attempt(kitConfigSchema(service.port), env);
  const own = attempt(service.config, env);
  if (kit.ok && own.ok) return Object.assign(own.value as object, kit.value) as Static<Config> & KitConfig;
  throw new ConfigError([kit, own].flatMap((outcome) => (outcome.ok ? [] : outcome.problems)));
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
