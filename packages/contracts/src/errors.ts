/**
 * Every error code that Warren sends anywhere: HTTP problems, command acknowledgements, refused handshakes
 * and `session.ended` draw from this one table.
 *
 * `status` is the HTTP status of the problem; `temporary` tells the receiver whether the same request may
 * succeed later. Readers treat a code they don't know by the `temporary` that came with it.
 */
export const errorCodes = {
  'invalid-request': { status: 400, temporary: false, title: 'The request does not fit its schema' },
  'idempotency-key-required': { status: 400, temporary: false, title: 'Idempotency-Key is required here' },
  'invalid-cursor': { status: 400, temporary: false, title: 'This cursor is not one of ours' },
  'invalid-signature': { status: 400, temporary: false, title: 'The signature is not one of the sender' },
  unauthenticated: { status: 401, temporary: false, title: 'A valid access token is required' },
  'token-expired': { status: 401, temporary: false, title: 'The access token has expired' },
  'session-revoked': { status: 401, temporary: false, title: 'This session was ended' },
  'wrong-credentials': { status: 401, temporary: false, title: 'Email or password is wrong' },
  forbidden: { status: 403, temporary: false, title: 'Not allowed' },
  'not-found': { status: 404, temporary: false, title: 'Not found' },
  'unknown-recipient': { status: 404, temporary: true, title: 'The recipient is not known here yet' },
  'unknown-command': { status: 404, temporary: false, title: 'No such command' },
  'method-not-allowed': { status: 405, temporary: false, title: 'Method not allowed' },
  'request-timeout': { status: 408, temporary: true, title: 'The request did not arrive in time' },
  'email-taken': { status: 409, temporary: false, title: 'This email is registered already' },
  'request-in-progress': {
    status: 409,
    temporary: true,
    title: 'The first request with this key is running',
  },
  'wrong-state': { status: 409, temporary: false, title: 'Not possible in this state' },
  'cursor-too-old': { status: 410, temporary: false, title: 'Entries after this cursor are no longer kept' },
  'payload-too-large': { status: 413, temporary: false, title: 'The payload is too large' },
  'unsupported-media-type': { status: 415, temporary: false, title: 'Only application/json is understood' },
  'idempotency-key-reused': { status: 422, temporary: false, title: 'This key came with another request' },
  'recipient-gone': { status: 422, temporary: false, title: 'The recipient has deleted their account' },
  'refund-exceeds-payment': { status: 422, temporary: false, title: 'More than is left of this payment' },
  'invalid-token': { status: 422, temporary: false, title: 'This token was used, has expired, or is none' },
  'preference-locked': { status: 422, temporary: false, title: 'This cannot be switched off' },
  'self-payment': { status: 422, temporary: false, title: 'Payer and recipient are the same person' },
  'unknown-payment-method': { status: 422, temporary: false, title: 'No such payment method' },
  'headers-too-large': { status: 431, temporary: false, title: 'The request headers are too large' },
  'rate-limited': { status: 429, temporary: true, title: 'Too many requests' },
  'too-many-sockets': { status: 429, temporary: true, title: 'Too many sockets for one user' },
  internal: { status: 500, temporary: true, title: 'Something went wrong on our side' },
  'outcome-unknown': { status: 504, temporary: true, title: 'No answer in time; it may have happened' },
  'service-overloaded': { status: 503, temporary: true, title: 'Too much work is waiting; try again' },
  'service-unavailable': { status: 503, temporary: true, title: 'Not reachable at the moment' },
} as const satisfies Record<string, { status: number; temporary: boolean; title: string }>;

export type ErrorCode = keyof typeof errorCodes;

/** One fault in an input: an RFC 6901 pointer to the value and the schema keyword it broke. */
export interface FieldError {
  pointer: string;
  code: string;
}

/** What a client sees of an error on a socket. */
export interface WireError {
  code: ErrorCode;
  message: string;
  temporary: boolean;
  errors?: FieldError[];
  /** Milliseconds after which the same request may succeed, where that is known. */
  retryAfterMs?: number;
}

/** RFC 9457 problem details, with Warren's closed `code`. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: ErrorCode;
  temporary: boolean;
  detail?: string;
  errors?: FieldError[];
}

/**
 * An error that clients may see. Its `cause` is for the log and never leaves the process.
 *
 * `AppError.from` is the one edge where an unknown error becomes `internal`.
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly errors: FieldError[] | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    options: { detail?: string; errors?: FieldError[]; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(options.detail ?? errorCodes[code].title, { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.errors = options.errors;
    this.retryAfterMs = options.retryAfterMs;
  }

  get status(): number {
    return errorCodes[this.code].status;
  }

  get temporary(): boolean {
    return errorCodes[this.code].temporary;
  }

  static from(error: unknown): AppError {
    return error instanceof AppError ? error : new AppError('internal', { cause: error });
  }

  toWire(): WireError {
    const { code, message, temporary, errors, retryAfterMs } = this;
    return {
      code,
      message,
      temporary,
      ...(errors && { errors }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    };
  }

  toProblem(): Problem {
    const { code, status, temporary, errors } = this;
    const { title } = errorCodes[code];
    return {
      type: `urn:warren:problem:${code}`,
      title,
      status,
      code,
      temporary,
      ...(this.message !== title && { detail: this.message }),
      ...(errors && { errors }),
    };
  }
}

/** Thrown by an event handler to say that no retry can help: the event goes to the dead letters at once. */
export class PermanentError extends Error {
  override readonly name = 'PermanentError';
}
