import { AppError, type ErrorDefinitions, errorDefinition, type FieldError } from '@warren/contracts';

/** The record of an operation that happens at most once for its key. */
export interface OnceRecord {
  userId: string;
  operation: string;
  key: string;
  inputHash: string;
  outcome: Outcome;
}

/** How it ended: with a value, or with a permanent error. */
export type Outcome =
  | { value?: unknown }
  | { error: { code: string; message: string; errors?: FieldError[] | undefined } };

/** Older records count as absent. Retention deletes them later. */
export const freshHours = 24;

export const fresh = `created_at > now() - interval '${freshHours} hours'`;

/**
 * SQL that inserts a record, or overwrites one that is too old. It returns no row if there is a fresh one.
 * `condition`: SQL that must hold too.
 */
export function insertRecord(
  record: OnceRecord,
  bind: (value: unknown) => string,
  condition = 'true',
): string {
  const { userId, operation, key, inputHash, outcome } = record;
  return `
  INSERT INTO messaging.idempotency AS i (user_id, operation, key, input_hash, outcome)
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

/** The recorded value. Throws the recorded error, whose code is of the kit or among the service's `errors`. */
export function replay(outcome: Outcome, errors: ErrorDefinitions): unknown {
  if (!('error' in outcome)) return outcome.value;
  const { code, message, errors: fields } = outcome.error;
  const definition = errorDefinition(code, errors);
  if (!definition) throw new AppError('internal', { detail: message });
  throw new AppError(code, { definition, detail: message, ...(fields && { errors: fields }) });
}
