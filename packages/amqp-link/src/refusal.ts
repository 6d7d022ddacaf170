/**
 * The broker said no, and will say so again until an operator changes something: a permission is missing, or an
 * exchange or a queue is not what it has to be. The message says what is and what is needed.
 */
export class BrokerRefusal extends Error {
  override readonly name = 'BrokerRefusal';
  readonly reason: 'forbidden' | 'mismatch';

  constructor(reason: 'forbidden' | 'mismatch', message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** `error` as a refusal; undefined for what can pass by itself, such as a broker that is away. */
export function refusalOf(error: unknown): BrokerRefusal | undefined {
  if (error instanceof BrokerRefusal) return error;
  if (!(error instanceof Error)) return undefined;
  // amqplib gives the code of a closed channel; that of a refused login is only in its words.
  const forbidden = codeOf(error) === 403 || /^Handshake terminated by server: 403 /.test(error.message);
  return forbidden ? new BrokerRefusal('forbidden', error.message, { cause: error }) : undefined;
}

/** The AMQP reply code that closed a channel: 403 access refused, 404 not found, 406 precondition failed. */
export function codeOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}
