export type OperatorErrorCode =
  /** The broker can't be reached, or the connection was lost. */
  | 'unreachable'
  /** The broker does not permit it. */
  | 'refused'
  | 'queue-missing'
  /** The queue of dead letters has a delivery limit, so reading too often would drop them. */
  | 'reads-counted';

/** An operator's action failed. The message is for people and contains no credentials. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
  readonly code: OperatorErrorCode;

  constructor(code: OperatorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Wraps an error of the broker. An error without an AMQP code means that the broker is away. */
export function operatorError(error: unknown, message: string): OperatorError {
  if (error instanceof OperatorError) return error;
  const code = amqpCode(error) === undefined ? 'unreachable' : 'refused';
  return new OperatorError(code, message, { cause: error });
}

export function amqpCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'number' ? error.code : undefined;
}
