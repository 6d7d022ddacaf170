import { AppError } from '@warren/contracts';
import type { VerifyToken } from '@warren/realtime';
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyPluginAsync,
  fastify,
  LogController,
  type onResponseAsyncHookHandler,
} from 'fastify';
import type { Metrics } from '../observe/metrics.js';
import { requireRole, usePrincipal, userIdOf } from './authentication.js';
import { useJsonBodies } from './bodies.js';
import { type AddressOf, useClientAddress } from './client-address.js';
import { answerClientError } from './client-error.js';
import { correlationIdOf, useCorrelation } from './correlation.js';
import { type Readiness, useHealth } from './health.js';
import { sendProblem } from './problems.js';
import { validatorCompiler } from './validation.js';

export interface InternalListenerOptions {
  metrics: Metrics;
  readiness: Readiness;
  log: FastifyBaseLogger;
  /** The service's own routes, below `/internal/` and `/admin/`. */
  routes: readonly FastifyPluginAsync[];
  verify: VerifyToken;
  addressOf: AddressOf;
}

/** Bytes of a request body. */
const bodyLimit = 128 * 1024;

/**
 * What only operators, probes and other services may see. No Ingress exposes its port. Probes ask here: connections to
 * the public port wait their turn to be accepted, however many come at once.
 */
export async function createInternalListener(options: InternalListenerOptions): Promise<FastifyInstance> {
  const { metrics, readiness, log, routes, verify } = options;
  const http: FastifyInstance = fastify({
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
  http.setNotFoundHandler((request, reply) => sendProblem(new AppError('not-found'), request, reply));
  useCorrelation(http);
  usePrincipal(http);
  useClientAddress(http, options.addressOf);
  useHealth(http, readiness);
  http.get('/metrics', async (_request, reply) => {
    return await reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
  for (const plugin of routes) {
    await http.register(async (instance) => {
      guardByPath(instance, verify);
      await instance.register(plugin);
    });
  }
  return http;
}

/** Routes for operators ask for the role `admin`; any path but the two known ones is a mistake in the program. */
function guardByPath(http: FastifyInstance, verify: VerifyToken): void {
  const asAdmin = requireRole(verify, 'admin');
  http.addHook('onRoute', (route) => {
    if (route.url.startsWith('/admin/')) {
      route.onRequest = [asAdmin, ...[route.onRequest ?? []].flat()];
      route.onResponse = [audit, ...[route.onResponse ?? []].flat()];
    } else if (!route.url.startsWith('/internal/'))
      throw new Error(`${route.url} is neither below /internal/ nor below /admin/`);
  });
}

/** Who did, or tried, what as an operator. */
const audit: onResponseAsyncHookHandler = async (request, reply) => {
  const { method, url } = request;
  request.log.info(
    { audit: true, method, url, status: reply.statusCode, userId: userIdOf(request) },
    'operation',
  );
};
