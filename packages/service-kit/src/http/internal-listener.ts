import { AppError } from '@warren/contracts';
import type { VerifyToken } from '@warren/realtime';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyPluginAsync,
  onResponseAsyncHookHandler,
} from 'fastify';
import type { Metrics } from '../observe/metrics.js';
import { requireRole, userIdOf } from './authentication.js';
import { createBase } from './base.js';
import type { AddressOf } from './client-address.js';
import { type Readiness, useHealth } from './health.js';
import { sendProblem } from './problems.js';

export interface InternalListenerOptions {
  metrics: Metrics;
  readiness: Readiness;
  log: FastifyBaseLogger;
  /** The service's own routes, below `/internal/` and `/admin/`. */
  routes: readonly FastifyPluginAsync[];
  verify: VerifyToken;
  addressOf: AddressOf;
}

/**
 * The internal HTTP server, for operators, probes and other services only. No Ingress exposes its port. Probes use it
 * because on the public port they would wait behind the connections of all clients.
 */
export async function createInternalListener(options: InternalListenerOptions): Promise<FastifyInstance> {
  const { metrics, readiness, routes, verify } = options;
  const http = createBase(options);
  http.setNotFoundHandler((request, reply) => sendProblem(new AppError('not-found'), request, reply));
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

/** Routes below `/admin/` require the role `admin`. Throws for a route that is below neither `/admin/` nor `/internal/`. */
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

/** Logs who sent which request to an operator route. */
const audit: onResponseAsyncHookHandler = async (request, reply) => {
  const { method, url } = request;
  request.log.info(
    { audit: true, method, url, status: reply.statusCode, userId: userIdOf(request) },
    'operation',
  );
};
