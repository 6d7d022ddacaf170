import type { IncomingMessage } from 'node:http';
import { AppError } from '@warren/contracts';
import type { Logger } from 'pino';
import type { Principal, VerifyToken } from '../api.js';
import type { RequestedCursor } from '../feed/opening.js';
import { maxCursorLength, maxTokenLength, verifyTimeout } from '../limits/defaults.js';
import type { TokenBuckets } from '../limits/token-buckets.js';
import { DeadlineError, withDeadline } from '../timing.js';

/** What a passed handshake leaves on the socket. */
export interface Admission {
  principal: Principal;
  cursor: RequestedCursor;
}

/** What `connect_error` carries as `err.data`. */
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
  limiter: TokenBuckets;
  clientAddress(request: IncomingMessage): string;
  refused(code: string): void;
  log: Logger;
}

/** The refusal of one handshake too many of this address; undefined if it may go on. */
export function limitHandshakes(
  request: IncomingMessage,
  options: HandshakeOptions,
): HandshakeRefusal | undefined {
  if (options.limiter.take(options.clientAddress(request))) return undefined;
  return refusal(new AppError('rate-limited'), options);
}

/** Decides who may come in. Rejects with `HandshakeRefusal` and with nothing else. */
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

/** Checks a token's shape, then the token, within 10 s. */
export async function verify(token: unknown, verifyToken: VerifyToken): Promise<Principal> {
  if (typeof token !== 'string' || token === '' || token.length > maxTokenLength) {
    throw new AppError('unauthenticated');
  }
  const principal = await withDeadline(verifyToken(token), verifyTimeout, 'verifying a token').catch(tooLate);
  if (principal.expiresAt <= Date.now()) throw new AppError('token-expired');
  return principal;
}

/** The keys that tokens are checked with can't be fetched at the moment. */
function tooLate(error: unknown): never {
  throw error instanceof DeadlineError ? new AppError('service-unavailable', { cause: error }) : error;
}

function refusal(error: unknown, { refused, log }: HandshakeOptions): HandshakeRefusal {
  const known = AppError.from(error);
  const level = known.status >= 500 ? 'error' : 'debug';
  if (known.cause !== undefined) log[level]({ err: known.cause, code: known.code }, 'handshake refused');
  refused(known.code);
  return new HandshakeRefusal(known);
}

/** A cursor of a wrong shape keeps nobody out: it is answered by `feed.reset`, as any unknown one. */
function readCursor(cursor: unknown): RequestedCursor {
  if (cursor === undefined || cursor === null) return { kind: 'none' };
  if (typeof cursor !== 'string' || cursor === '' || cursor.length > maxCursorLength)
    return { kind: 'unreadable' };
  return { kind: 'cursor', cursor };
}
