import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';
import { textOf } from './repository.js';

export interface ComposeService {
  image: string;
  build?: { context: string; dockerfile: string; args?: Record<string, string>; secrets?: string[] };
  command?: string[];
  pull_policy?: string;
  restart?: string;
  environment?: Record<string, string>;
  ports?: string[];
  networks?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: {
    disable?: boolean;
    test?: string[];
    interval?: string;
    start_period?: string;
    start_interval?: string;
  };
  labels?: Record<string, string>;
  /** The name of a secret, or its name with the one of the mounted file. */
  secrets?: Array<string | { source: string; target: string }>;
  deploy?: { resources?: { limits?: { cpus?: string; memory?: string; pids?: number } } };
  logging?: { driver: string; options?: Record<string, string> };
  read_only?: boolean;
  tmpfs?: string[];
  cap_drop?: string[];
  security_opt?: string[];
  stop_grace_period?: string;
  volumes?: string[];
}

export interface ComposeFile {
  services: Record<string, ComposeService>;
  networks: Record<string, { internal?: boolean } | null>;
  volumes: Record<string, object | null>;
  secrets: Record<string, { file: string }>;
}

/** Reads the file as Compose does: fills in variables, resolves anchors and merge keys. */
export function readCompose(text: string, env: Readonly<Record<string, string>> = {}): ComposeFile {
  return interpolate(parse(text, { merge: true }), env) as ComposeFile;
}

/** Reads the file of a secret in the repository. */
export function secretText({ secrets }: ComposeFile, name: string): string {
  const file = secrets[name]?.file;
  if (!file) throw new Error(`docker-compose.yml has no secret ${name}`);
  return textOf(file);
}

/** The names of the mounted secrets by path in the container. */
export function mountedSecrets({ secrets = [] }: ComposeService): Map<string, string> {
  const entries = secrets.map((item) => (typeof item === 'string' ? { source: item, target: item } : item));
  return new Map(
    entries.map(({ source, target }) => [target.startsWith('/') ? target : `/run/secrets/${target}`, source]),
  );
}

/** Validates the file with the JSON schema of the Compose specification. Returns the problems. */
export function composeSchemaProblems(file: unknown): string[] {
  if (validate(file)) return [];
  return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
}

const validate = compileSchema();

function compileSchema() {
  const packageFile = createRequire(import.meta.url).resolve('dclint/package.json');
  const schema = JSON.parse(readFileSync(join(dirname(packageFile), 'schemas/compose.schema.json'), 'utf8'));
  // Ajv knows the meta-schema by a name that ends with "#".
  delete schema.$schema;
  const ajv = new Ajv({ allErrors: true, strict: false });
  addFormats.default(ajv, ['duration', 'uri']);
  return ajv.compile(schema);
}

function interpolate(value: unknown, env: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string') return fill(value, env);
  if (Array.isArray(value)) return value.map((item) => interpolate(item, env));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, interpolate(item, env)]));
}

/** Replaces `$$` with a dollar and `${NAME:-default}` with its value; the file uses no other form of variables. */
function fill(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\$|\$\{(\w+):-([^}]*)\}|\$/g, (match, name?: string, fallback?: string) => {
    if (match === '$$') return '$';
    if (name === undefined || fallback === undefined) throw new Error(`A lone "$" in "${text}"`);
    return env[name] || fallback;
  });
}
