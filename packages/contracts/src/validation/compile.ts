import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Static, TSchema } from 'typebox';
import type { FieldError } from '../errors.js';
import { openForReaders } from './open-for-readers.js';

/** The value, typed, or what is wrong with it. Never throws. */
export type Check<T> = { ok: true; value: T } | { ok: false; errors: FieldError[] };

const ajv = new Ajv2020({ allErrors: false, strict: false, coerceTypes: false });
(addFormats as unknown as (ajv: Ajv2020) => void)(ajv);

/** A checker for what this process writes or takes from a client: the schema as it stands, closed. */
export function compileWriter<S extends TSchema>(schema: S): (value: unknown) => Check<Static<S>> {
  const validate = ajv.compile(schema);
  return (value) =>
    validate(value)
      ? { ok: true, value: value as Static<S> }
      : { ok: false, errors: (validate.errors ?? []).map(fieldError) };
}

/** A checker for what another build wrote: fields and codes that this build doesn't know are let through. */
export function compileReader<S extends TSchema>(schema: S): (value: unknown) => Check<Static<S>> {
  return compileWriter(openForReaders(schema) as S);
}

function fieldError(error: ErrorObject): FieldError {
  const property = error.params.missingProperty ?? error.params.additionalProperty;
  const escaped =
    typeof property === 'string' ? `/${property.replaceAll('~', '~0').replaceAll('/', '~1')}` : '';
  return { pointer: error.instancePath + escaped, code: error.keyword };
}
