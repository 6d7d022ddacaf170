import type { IncomingMessage } from 'node:http';
import { AppError } from '@warren/contracts';
import { DeadlineError, withDeadline } from '@warren/timing';
import type { Logger } from 'pino';
import type { Principal, VerifyToken } from '../api.js';
import type { RequestedCursor } from '../feed/opening.js';
import { maxCursorLength, maxTokenLength, verifyTimeoutMs } from '../limits/limits.js';
import type { TokenBuckets } from '../limits/token-buckets.js';

/** The `data` that an accepted handshake leaves on the socket. */
export interface Admission {
  principal: Principal;
  cursor: RequestedCursor;
}

/** The client gets `data` as `err.data` of its `connect_error`. */
export class HandshakeRefusal extends Error {
  override readonly name = 'HandshakeRefusal';
  readonly data: { code: string; temporary: boolean };

  constructor({ message, code, temporary }: AppError) {
    super(message);
    this.data = { code, temporary };
  }
}

export interface HandshakeOptions {
  verifyToken: VerifyToken;
  /** By client address. */
  limiter: TokenBuckets;
  clientAddress(request: IncomingMessage): string;
  onRefused(code: string): void;
  log: Logger;
}

/** Returns the refusal if this address has made too many handshakes. */
export function limitHandshakes(
  request: IncomingMessage,
  options: HandshakeOptions,
): HandshakeRefusal | undefined {
  if (options.limiter.take(options.clientAddress(request))) return undefined;
  return refusal(new AppError('rate-limited'), options);
}

/** Checks a handshake. Rejects with `HandshakeRefusal` only. */
export async function admit(
  auth: Record<string, unknown>,
  request: IncomingMessage,
  options: HandshakeOptions,
): Promise<Admission> {
  const limited = limitHandshakes(request, options);
  if (limited) throw limited;
  try {
    const principal = await verify(auth.token, options.verifyToken);
    return { principal, cursor: readCursor(auth.cursor) };
  } catch (error) {
    throw refusal(error, options);
  }
}

/** Verifies a token that a client sent. Rejects with `AppError`: `service-unavailable` if it takes more than 10 s. */
export async function verify(token: unknown, verifyToken: VerifyToken): Promise<Principal> {
  if (typeof token !== 'string' || token === '' || token.length > maxTokenLength) {
    throw new AppError('unauthenticated');
  }
  const principal = await withDeadline(
    verifyToken(token),
    verifyTimeoutMs,
    'verifying a token took too long',
  ).catch(asUnavailable);
  if (principal.expiresAt <= Date.now()) throw new AppError('token-expired');
  return principal;
}

/** A token that takes too long to verify is not invalid: its keys can't be fetched at the moment. */
function asUnavailable(error: unknown): never {
  throw error instanceof DeadlineError ? new AppError('service-unavailable', { cause: error }) : error;
}

function refusal(error: unknown, { onRefused, log }: HandshakeOptions): HandshakeRefusal {
  const known = AppError.from(error);
  const level = known.status >= 500 ? 'error' : 'debug';
  if (known.cause !== undefined) log[level]({ err: known.cause, code: known.code }, 'handshake refused');
  onRefused(known.code);
  return new HandshakeRefusal(known);
}

/** A malformed cursor does not refuse the handshake: like an unknown one it is answered with `feed.reset`. */
function readCursor(cursor: unknown): RequestedCursor {
  if (cursor === undefined || cursor === null) return { kind: 'none' };
  if (typeof cursor !== 'string' || cursor === '' || cursor.length > maxCursorLength)
    return { kind: 'malformed' };
  return { kind: 'cursor', cursor };
}
