import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import { AppError, type ServiceContract } from '@warren/contracts';
import type { VerifyToken } from '@warren/realtime';
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyPluginAsync,
  fastify,
  LogController,
} from 'fastify';
import type { Metrics } from '../observe/metrics.js';
import { AllowedMethods } from './allowed-methods.js';
import { callerOf, requireTokens, usePrincipal, userIdOf } from './authentication.js';
import { useJsonBodies } from './bodies.js';
import { type AddressOf, useClientAddress } from './client-address.js';
import { answerClientError } from './client-error.js';
import { correlationIdOf, useCorrelation } from './correlation.js';
import { useDocumentation } from './documentation.js';
import { type Readiness, useHealth } from './health.js';
import { sendProblem } from './problems.js';
import { limitRequests, type RequestLimit } from './request-limit.js';
import { validatorCompiler } from './validation.js';

export interface HttpOptions {
  contract: ServiceContract;
  corsOrigins: readonly string[];
  addressOf: AddressOf;
  readiness: Readiness;
  metrics: Metrics;
  log: FastifyBaseLogger;
  limit: RequestLimit;
}

/** Bytes of a request body. */
const bodyLimit = 128 * 1024;

/** The HTTP door around a service's routes, which are added by `addDoors`. Doesn't listen yet. */
export async function createHttp(options: HttpOptions): Promise<FastifyInstance> {
  const { contract, log, metrics, readiness } = options;
  const http: FastifyInstance = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'correlationId' }),
    genReqId: correlationIdOf,
    bodyLimit,
    requestTimeout: 30_000,
    // Fastify's own answer isn't one of ours; what still arrives is served, and its connection closed.
    return503OnClosing: false,
    frameworkErrors: sendProblem,
    clientErrorHandler: answerClientError,
  });
  const allowed = new AllowedMethods();
  allowed.watch(http);
  useJsonBodies(http);
  http.setValidatorCompiler(validatorCompiler);
  http.setErrorHandler(sendProblem);
  http.setNotFoundHandler((request, reply) => {
    const methods = allowed.at(request.url);
    if (methods.length === 0) return sendProblem(new AppError('not-found'), request, reply);
    reply.header('allow', methods.join(', '));
    return sendProblem(new AppError('method-not-allowed'), request, reply);
  });
  useCorrelation(http);
  usePrincipal(http);
  useClientAddress(http, options.addressOf);
  limitRequests(http, options.limit);
  useRequestLog(http, metrics);
  useLastAnswers(http, readiness);
  await http.register(helmet, { contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } } });
  await http.register(cors, corsOptions(options.corsOrigins));
  await useDocumentation(http, contract);
  useHealth(http, readiness);
  http.get('/contract.json', { schema: { hide: true } }, async () => contract);
  return http;
}

/**
 * The service's own routes. Each asks for a token unless its `config.auth` is `none`, and is limited as its
 * `config.rateLimit` says: per user and instance, or per address where nobody has to sign in. Requests to routes without a
 * `config.rateLimit` count in `limit`, which must be that of `createHttp`.
 */
export async function addDoors(
  http: FastifyInstance,
  doors: readonly FastifyPluginAsync[],
  verify: VerifyToken,
  limit: RequestLimit,
): Promise<void> {
  await http.register(async (door) => {
    requireTokens(door, verify, limit);
    await door.register(rateLimit, {
      global: false,
      keyGenerator: callerOf,
      errorResponseBuilder: () => new AppError('rate-limited'),
    });
    for (const plugin of doors) await door.register(plugin);
  });
}

function corsOptions(origins: readonly string[]) {
  return {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: ['x-correlation-id', 'retry-after'],
    maxAge: 600,
  };
}

/** While it drains, each answer ends its connection: none is left whose next request would meet a closed door. */
function useLastAnswers(http: FastifyInstance, readiness: Readiness): void {
  http.addHook('onSend', async (_request, reply) => {
    if (readiness.draining) reply.header('connection', 'close');
  });
}

function useRequestLog(http: FastifyInstance, metrics: Metrics): void {
  http.addHook('onResponse', async (request, reply) => {
    const { method } = request;
    const route = request.routeOptions.url ?? 'unknown';
    const { statusCode: status, elapsedTime } = reply;
    metrics.http.observe({ method, route, status }, elapsedTime / 1_000);
    const ms = Math.round(elapsedTime * 10) / 10;
    request.log.info({ method, route, status, ms, userId: userIdOf(request) }, 'request');
  });
}
