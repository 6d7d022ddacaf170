import { readFileSync } from 'node:fs';
import { types } from 'node:util';
import { compileWriter } from '@warren/contracts/validation';
import type { Static, TObject, TSchema } from 'typebox';
import { parseText } from '../parse-text.js';

/** The environment is wrong. `problems` has one readable line for each wrong or missing value, without secrets. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads one variable for each property of the schema, or its value from the file that `<NAME>_FILE` names. An empty
 * variable counts as not set. Numbers, booleans and comma-separated lists are parsed.
 *
 * Throws `ConfigError` with all problems, not just the first.
 */
export function readConfig<Schema extends TObject>(schema: Schema, env: Environment): Static<Schema> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  const required = new Set(schema.required as readonly string[] | undefined);
  for (const [name, property] of Object.entries<TSchema>(schema.properties)) {
    const outcome = readValue(name, property, env, required.has(name));
    if ('problem' in outcome) problems.push(outcome.problem);
    else if (outcome.value !== undefined) values[name] = outcome.value;
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return values as Static<Schema>;
}

type Outcome = { value: unknown } | { problem: string };

function readValue(name: string, schema: TSchema, env: Environment, required: boolean): Outcome {
  const raw = readRaw(name, env);
  if ('problem' in raw) return raw;
  const facts = factsOf(schema);
  if (raw.value === undefined) {
    if (facts.default !== undefined) return { value: structuredClone(facts.default) };
    return required ? { problem: `${name} is missing: ${facts.description}` } : { value: undefined };
  }
  const value = parseText(raw.value, facts.type);
  if (compileWriter(schema)(value).ok) return normalised(name, value, facts);
  const shown = facts.secret ? 'the given value' : JSON.stringify(raw.value);
  return { problem: `${name}: ${shown} is not ${expectation(schema)}. ${facts.description}` };
}

function normalised(name: string, value: unknown, { normalise }: Facts): Outcome {
  if (!normalise) return { value };
  try {
    return { value: normalise(value) };
  } catch (error) {
    return { problem: `${name}: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function readRaw(name: string, env: Environment): { value: string | undefined } | { problem: string } {
  const direct = env[name] || undefined;
  const file = env[`${name}_FILE`] || undefined;
  if (file === undefined) return { value: direct };
  if (direct !== undefined) return { problem: `${name} and ${name}_FILE are both set; only one may be` };
  try {
    return { value: readFileSync(file, 'utf8').trim() || undefined };
  } catch (error) {
    return { problem: `${name}_FILE: cannot read ${file} (${(error as NodeJS.ErrnoException).code})` };
  }
}

interface Facts {
  type?: string;
  default?: unknown;
  description: string;
  secret: boolean;
  /**
   * Turns a value that fits the schema into the form that the program uses. Throws an error whose message says what is
   * wrong with the value.
   */
  normalise?: (value: unknown) => unknown;
}

/** The value of a variable that this schema describes must not appear in error messages. */
export function isSecret(schema: TSchema): boolean {
  return factsOf(schema).secret;
}

function factsOf(schema: TSchema): Facts {
  const { type, default: fallback, description, secret, normalise } = schema as Record<string, unknown>;
  return {
    ...(typeof type === 'string' && { type }),
    ...(fallback !== undefined && { default: fallback }),
    description: typeof description === 'string' ? description : '',
    secret: secret === true,
    ...(typeof normalise === 'function' && { normalise: normalise as (value: unknown) => unknown }),
  };
}

function expectation(schema: TSchema): string {
  const facts = schema as Record<string, unknown>;
  if (Array.isArray(facts.enum)) return `one of ${facts.enum.join(', ')}`;
  if (facts.type === 'boolean') return 'on or off';
  if (facts.type === 'array') return 'a list separated by commas';
  if (facts.type === 'string')
    return facts.pattern ? `like ${String(facts.pattern)}` : 'a text of the right length';
  const kind = facts.type === 'integer' ? 'a whole number' : 'a number';
  const { minimum, maximum } = facts;
  if (minimum !== undefined && maximum !== undefined) return `${kind} from ${minimum} to ${maximum}`;
  return minimum === undefined ? kind : `${kind} of at least ${minimum}`;
}

export interface ConfigDescription {
  name: string;
  /** As it would be written in the environment. Null if the variable must be set. */
  default: string | null;
  description: string;
}

/** Describes each variable, in the order of the schema. The table in the README is made from this. */
export function describeConfig(schema: TObject): ConfigDescription[] {
  return Object.entries<TSchema>(schema.properties).map(([name, property]) => {
    const facts = factsOf(property);
    return { name, default: defaultText(property, facts.default), description: facts.description };
  });
}

function defaultText(schema: TSchema, value: unknown): string | null {
  const { defaultText: text } = schema as Record<string, unknown>;
  if (typeof text === 'string') return text;
  if (value === undefined) return null;
  return Array.isArray(value) ? value.join(',') : String(value);
}

/** One line for each problem of a `ConfigError`; otherwise the messages of the error and of its causes. */
export function readableError(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.problems;
  const lines: string[] = [];
  for (let each = error; types.isNativeError(each) && lines.length < 5; each = each.cause) {
    lines.push(firstLine(each));
  }
  return lines.length > 0 ? lines : [String(error)];
}

function firstLine(error: Error): string {
  const errors: readonly unknown[] = 'errors' in error && Array.isArray(error.errors) ? error.errors : [];
  const text = error.message || errors.map(String).join('; ') || error.name;
  return text.trim().replaceAll(/\s*\n\s*/g, ' ');
}
