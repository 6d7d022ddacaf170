import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { AppError, type KitErrorCode } from '@warren/contracts';
import { isInfrastructure } from '@warren/unit-of-work';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { userIdOf } from './authentication.js';

export const problemType = 'application/problem+json';

/** Errors of Fastify that the client caused. */
const refusals: Readonly<Record<string, { code: KitErrorCode; detail: string }>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: { code: 'invalid-request', detail: 'The body is not valid JSON' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'invalid-request',
    detail: 'Content-Length does not match the body',
  },
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'payload-too-large', detail: 'The body is too large' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { code: 'unsupported-media-type', detail: 'The media type is none' },
  FST_ERR_BAD_URL: { code: 'invalid-request', detail: 'The path is not a valid URL' },
  FST_ERR_MAX_PARAM_LENGTH: { code: 'not-found', detail: 'The path is too long' },
};

/**
 * Codes of other client errors of Fastify and of its plugins (`http-errors`), by status. Errors of other libraries may
 * have a status too, but it isn't about this request.
 */
const codesByStatus: Readonly<Record<number, KitErrorCode>> = {
  403: 'forbidden',
  404: 'not-found',
  405: 'method-not-allowed',
  413: 'payload-too-large',
  415: 'unsupported-media-type',
  429: 'rate-limited',
};

/** Sends any error as a problem (RFC 9457). The response has the code only; the cause is logged. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = refusalOf(error) ?? outageOf(error) ?? AppError.from(error);
  const about = { code: known.code, userId: userIdOf(request) };
  if (known.status >= 500) request.log.error({ ...about, err: known.cause ?? known }, 'request failed');
  else request.log.debug({ ...about, err: known }, 'request refused');
  if (known.status === 401) reply.header('www-authenticate', 'Bearer');
  reply.header('x-correlation-id', request.id);
  return reply.code(known.status).type(problemType).send(JSON.stringify(known.toProblem()));
}

/** An unreachable database is a temporary problem, also for reads outside of a unit of work. */
function outageOf(error: unknown): AppError | undefined {
  if (error instanceof AppError || !isInfrastructure(error)) return undefined;
  return new AppError('service-unavailable', { cause: error });
}

function refusalOf(error: unknown): AppError | undefined {
  if (error instanceof AppError || !(error instanceof Error)) return undefined;
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  const refusal = typeof code === 'string' ? refusals[code] : undefined;
  if (refusal) return new AppError(refusal.code, { detail: refusal.detail, cause: error });
  const isOfHttp = 'expose' in error || (typeof code === 'string' && code.startsWith('FST_'));
  if (!isOfHttp || typeof statusCode !== 'number' || statusCode < 400 || statusCode > 499) return undefined;
  return new AppError(codesByStatus[statusCode] ?? 'invalid-request', { cause: error });
}

/** Errors of the HTTP parser of Node.js that have a code of their own. */
const parserErrors: Readonly<Record<string, KitErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
};

/** Sends a problem for bytes that Node.js could not parse as a request, and closes the connection. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) socket.write(rawResponse(parserErrors[error.code ?? ''] ?? 'invalid-request'));
  socket.destroy(error);
}

function rawResponse(code: KitErrorCode): string {
  const detail = code === 'invalid-request' ? 'This is not a valid HTTP request' : undefined;
  const problem = new AppError(code, { ...(detail && { detail }) });
  const body = JSON.stringify(problem.toProblem());
  return [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    `Content-Type: ${problemType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
