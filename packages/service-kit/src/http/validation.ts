import { AppError, type FieldError } from '@warren/contracts';
import { compileWriter } from '@warren/contracts/validation';
import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { parseText } from '../parse-text.js';

/**
 * Validates requests with the validator of contracts. Values of the query are text, so they are parsed first.
 *
 * A pointer into the body starts at the root of the body; a pointer into another part begins with `/query`, `/params` or
 * `/headers`.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const check = compileWriter(schema);
  const prefix =
    httpPart === undefined || httpPart === 'body' ? '' : `/${httpPart.replace('querystring', 'query')}`;
  return (input: unknown) => {
    const value = httpPart === 'querystring' ? parseQuery(schema, input) : input;
    const checked = check(value);
    if (checked.ok) return { value };
    return {
      error: new AppError('invalid-request', { errors: checked.errors.map((error) => under(prefix, error)) }),
    };
  };
};

function under(prefix: string, { pointer, code }: FieldError): FieldError {
  return { pointer: prefix + pointer, code };
}

function parseQuery(schema: TSchema, input: unknown): unknown {
  const { properties } = schema as { properties?: Record<string, { type?: unknown; default?: unknown }> };
  const query: Record<string, unknown> = { ...(input as Record<string, unknown>) };
  for (const [name, property] of Object.entries(properties ?? {})) {
    const raw = query[name];
    if (typeof raw === 'string') query[name] = parseText(raw, property.type);
    else if (raw === undefined && property.default !== undefined) query[name] = property.default;
  }
  return query;
}
