import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import { AppError, type ServiceContract } from '@warren/contracts';
import type { VerifyToken } from '@warren/realtime';
import type { FastifyBaseLogger, FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { Metrics } from '../observe/metrics.js';
import { AllowedMethods } from './allowed-methods.js';
import { limitKeyOf, requireTokens, userIdOf } from './authentication.js';
import { createBase } from './base.js';
import type { AddressOf } from './client-address.js';
import { useDocumentation } from './documentation.js';
import { type Readiness, useHealth } from './health.js';
import { sendProblem } from './problems.js';
import { limitRequests, type RequestLimit } from './request-limit.js';

export interface HttpOptions {
  contract: ServiceContract;
  corsOrigins: readonly string[];
  addressOf: AddressOf;
  readiness: Readiness;
  metrics: Metrics;
  log: FastifyBaseLogger;
  limit: RequestLimit;
}

/** The public HTTP server of a service, which does not listen yet. `addRoutes` adds the routes of the service. */
export async function createHttp(options: HttpOptions): Promise<FastifyInstance> {
  const { contract, log, metrics, readiness } = options;
  // The default response to requests during the close isn't a problem. They are served, and then the connection closes.
  const http = createBase({ log, addressOf: options.addressOf }, { return503OnClosing: false });
  const allowed = new AllowedMethods();
  allowed.watch(http);
  http.setNotFoundHandler((request, reply) => {
    const methods = allowed.at(request.url);
    if (methods.length === 0) return sendProblem(new AppError('not-found'), request, reply);
    reply.header('allow', methods.join(', '));
    return sendProblem(new AppError('method-not-allowed'), request, reply);
  });
  limitRequests(http, options.limit);
  useRequestLog(http, metrics);
  closeConnectionsWhenDraining(http, readiness);
  await http.register(helmet, { contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } } });
  await http.register(cors, corsOptions(options.corsOrigins));
  await useDocumentation(http, contract);
  useHealth(http, readiness);
  http.get('/contract.json', { schema: { hide: true } }, async () => contract);
  return http;
}

/**
 * Adds the routes of the service. Each requires a token unless its `config.auth` is `none`. `config.rateLimit` limits a
 * route per user and instance, or per network if nobody is signed in. Requests to routes without `config.rateLimit` count
 * in `limit`, which must be the one given to `createHttp`.
 */
export async function addRoutes(
  http: FastifyInstance,
  plugins: readonly FastifyPluginAsync[],
  verify: VerifyToken,
  limit: RequestLimit,
): Promise<void> {
  await http.register(async (instance) => {
    requireTokens(instance, verify, limit);
    await instance.register(rateLimit, {
      global: false,
      keyGenerator: limitKeyOf,
      errorResponseBuilder: () => new AppError('rate-limited'),
    });
    for (const plugin of plugins) await instance.register(plugin);
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

/** While the instance drains, each response closes its connection, so that the next request goes to another instance. */
function closeConnectionsWhenDraining(http: FastifyInstance, readiness: Readiness): void {
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
