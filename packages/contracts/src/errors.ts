import { type ErrorDefinition, kitErrors } from './kit-errors.js';

export type ErrorDefinitions = Readonly<Record<string, ErrorDefinition>>;

export type KitErrorCode = keyof typeof kitErrors;

/** One fault in an input: an RFC 6901 pointer to the value and the schema keyword it broke. */
export interface FieldError {
  pointer: string;
  code: string;
}

/** What a client sees of an error on a socket. */
export interface WireError {
  /** Of the kit or of the service's contract. */
  code: string;
  message: string;
  temporary: boolean;
  errors?: FieldError[];
  /** Milliseconds after which the same request may succeed, where that is known. */
  retryAfterMs?: number;
}

/** RFC 9457 problem details, with a `code` of the kit or of the service's contract. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  temporary: boolean;
  detail?: string;
  errors?: FieldError[];
}

export interface AppErrorOptions {
  detail?: string;
  errors?: FieldError[];
  retryAfterMs?: number;
  cause?: unknown;
}

/**
 * An error that clients may see. Its `cause` is for the log and never leaves the process.
 *
 * `new AppError('not-found')` takes the codes of the kit. A service makes errors with codes of its own by `errorsOf`.
 * `AppError.from` is the one edge where an unknown error becomes `internal`.
 */
export class AppError extends Error {
  readonly code: string;
  readonly errors: FieldError[] | undefined;
  readonly retryAfterMs: number | undefined;
  readonly #definition: ErrorDefinition;

  constructor(code: KitErrorCode, options?: AppErrorOptions);
  constructor(code: string, options: AppErrorOptions & { definition: ErrorDefinition });
  constructor(code: string, options: AppErrorOptions & { definition?: ErrorDefinition } = {}) {
    const definition = options.definition ?? kitErrors[code as KitErrorCode];
    super(options.detail ?? definition.title, { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.errors = options.errors;
    this.retryAfterMs = options.retryAfterMs;
    this.#definition = definition;
  }

  get status(): number {
    return this.#definition.status;
  }

  get temporary(): boolean {
    return this.#definition.temporary;
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
    const { title } = this.#definition;
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

/** Makes errors with the codes of a service: `const paymentError = errorsOf(paymentErrors)`. */
export function errorsOf<E extends ErrorDefinitions>(definitions: E) {
  return (code: keyof E & string, options: AppErrorOptions = {}): AppError =>
    new AppError(code, { ...options, definition: definitions[code] as ErrorDefinition });
}

/** The definition of a code of the kit, or of a service's own `errors`; `undefined` for any other code. */
export function errorDefinition(code: string, errors: ErrorDefinitions = {}): ErrorDefinition | undefined {
  if (Object.hasOwn(kitErrors, code)) return kitErrors[code as KitErrorCode];
  return Object.hasOwn(errors, code) ? errors[code] : undefined;
}

/** Thrown by an event handler to say that no retry can help: the event goes to the dead letters at once. */
export class PermanentError extends Error {
  override readonly name = 'PermanentError';
}
