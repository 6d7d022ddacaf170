import { AppError, type KitErrorCode } from '@warren/contracts';
import { isInfrastructure } from '@warren/unit-of-work';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { userIdOf } from './authentication.js';

export const problemType = 'application/problem+json';

/** Fastify's own refusals that a caller can do something about. */
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
 * Other refusals of Fastify and of its plugins (`http-errors`), by their status: a caller's fault, not ours. Errors of
 * other libraries carry statuses as well, which say nothing of our callers.
 */
const codesByStatus: Readonly<Record<number, KitErrorCode>> = {
  403: 'forbidden',
  404: 'not-found',
  405: 'method-not-allowed',
  413: 'payload-too-large',
  415: 'unsupported-media-type',
  429: 'rate-limited',
};

/** The one edge where an unknown error becomes known. The answer tells the code, the log tells the cause. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = refusalOf(error) ?? outageOf(error) ?? AppError.from(error);
  const about = { code: known.code, userId: userIdOf(request) };
  if (known.status >= 500) request.log.error({ ...about, err: known.cause ?? known }, 'request failed');
  else request.log.debug({ ...about, err: known }, 'request refused');
  if (known.status === 401) reply.header('www-authenticate', 'Bearer');
  reply.header('x-correlation-id', request.id);
  return reply.code(known.status).type(problemType).send(JSON.stringify(known.toProblem()));
}

/** A database that is away is temporary, also for reads outside of a unit of work. */
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
