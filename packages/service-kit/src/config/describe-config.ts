import type { TObject, TSchema } from 'typebox';
import { factsOf } from './read-config.js';

export interface ConfigDescription {
  name: string;
  /** As it would be written in the environment; null where the variable must be set. */
  default: string | null;
  description: string;
}

/** One row a variable, in the schema's order: the README's table is made from it. */
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
