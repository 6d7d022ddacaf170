/**
 * The broker refuses an operation until an operator changes something: a permission is missing (`forbidden`), or an
 * exchange or a queue has other properties than needed (`mismatch`). The message says what exists and what is needed.
 */
export class BrokerRefusal extends Error {
  override readonly name = 'BrokerRefusal';
  readonly reason: 'forbidden' | 'mismatch';

  constructor(reason: 'forbidden' | 'mismatch', message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** Returns `error` as a refusal, or `undefined` if it is temporary, such as a broker that is away. */
export function refusalOf(error: unknown): BrokerRefusal | undefined {
  if (error instanceof BrokerRefusal) return error;
  if (!(error instanceof Error)) return undefined;
  // amqplib's error has a code if a channel was closed. For a refused login only the message contains it.
  const forbidden = codeOf(error) === 403 || /^Handshake terminated by server: 403 /.test(error.message);
  return forbidden ? new BrokerRefusal('forbidden', error.message, { cause: error }) : undefined;
}

/** The AMQP reply code that closed a channel: 403 access refused, 404 not found, 406 precondition failed. */
export function codeOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}
