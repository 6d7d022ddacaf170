import { AppError, type ErrorDefinitions, errorDefinition, type FieldError } from '@warren/contracts';
import type { Schema } from '../schema/schema.js';

/** The record of an operation that runs at most once for its key. */
export interface OnceRecord {
  userId: string;
  operation: string;
  key: string;
  inputHash: string;
  outcome: Outcome;
}

/** How the operation ended: with a value, or with a permanent refusal. */
export type Outcome =
  | { value?: unknown }
  | { error: { code: string; message: string; errors?: FieldError[] | undefined } };

/** Records older than this count as missing, and are deleted some time later. */
export const keptHours = 24;

export const fresh = `created_at > now() - interval '${keptHours} hours'`;

/**
 * SQL that inserts a record, or replaces an expired one. It returns no row if there is a fresh record. `condition`: inserts
 * only if this SQL is true.
 */
export function insertRecord(
  schema: Schema,
  record: OnceRecord,
  bind: (value: unknown) => string,
  condition = 'true',
): string {
  const { userId, operation, key, inputHash, outcome } = record;
  return `
  INSERT INTO ${schema}.idempotency AS i (user_id, operation, key, input_hash, outcome)
  SELECT ${bind(userId)}, ${bind(operation)}, ${bind(key)}, ${bind(inputHash)}, ${bind(JSON.stringify(outcome))}::json
  WHERE ${condition}
  ON CONFLICT (user_id, operation, key) DO UPDATE
    SET input_hash = excluded.input_hash, outcome = excluded.outcome, created_at = excluded.created_at
    WHERE NOT (i.${fresh})
  RETURNING 1`;
}

export function refusalOf({ code, message, errors }: AppError): Outcome {
  return { error: { code, message, errors } };
}

/** Returns the recorded value, or throws the recorded error, whose code is one of the kit or of the service's `errors`. */
export function recordedValue(outcome: Outcome, errors: ErrorDefinitions): unknown {
  if (!('error' in outcome)) return outcome.value;
  const { code, message, errors: fields } = outcome.error;
  const definition = errorDefinition(code, errors);
  if (!definition) throw new AppError('internal', { detail: message });
  throw new AppError(code, { definition, detail: message, ...(fields && { errors: fields }) });
}
