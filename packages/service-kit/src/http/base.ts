import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyServerOptions,
  fastify,
  LogController,
} from 'fastify';
import { usePrincipal } from './authentication.js';
import { useJsonBodies } from './bodies.js';
import { type AddressOf, useClientAddress } from './client-address.js';
import { correlationIdOf, useCorrelation } from './correlation.js';
import { answerClientError, sendProblem } from './problems.js';
import { validatorCompiler } from './validation.js';

/** Bytes of a request body. */
const bodyLimit = 128 * 1024;

/** A Fastify instance with everything that the public server and the internal one have in common. */
export function createBase(
  { log, addressOf }: { log: FastifyBaseLogger; addressOf: AddressOf },
  options: Pick<FastifyServerOptions, 'return503OnClosing'> = {},
): FastifyInstance {
  const http: FastifyInstance = fastify({
    ...options,
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'correlationId' }),
    genReqId: correlationIdOf,
    bodyLimit,
    requestTimeout: 30_000,
    frameworkErrors: sendProblem,
    clientErrorHandler: answerClientError,
  });
  useJsonBodies(http);
  http.setValidatorCompiler(validatorCompiler);
  http.setErrorHandler(sendProblem);
  useCorrelation(http);
  usePrincipal(http);
  useClientAddress(http, addressOf);
  return http;
}
