export type OperatorErrorCode =
  /** The broker can't be reached, or was lost meanwhile. */
  | 'unreachable'
  /** The broker does not let this user do that. */
  | 'refused'
  | 'queue-missing'
  /** The dead letters' queue has a delivery limit, so that looking uses them up. */
  | 'reads-counted';

/** Why an operator's work stopped. The message is for people and holds no credentials. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
  readonly code: OperatorErrorCode;

  constructor(code: OperatorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What went wrong at the broker, which is the cause. Whatever is no answer of its own means that it is away. */
export function operatorError(error: unknown, doing: string): OperatorError {
  if (error instanceof OperatorError) return error;
  const code = amqpCode(error) === undefined ? 'unreachable' : 'refused';
  return new OperatorError(code, doing, { cause: error });
}

export function amqpCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'number' ? error.code : undefined;
}
