import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import type { Metrics } from '../observe/metrics.js';
import { sendProblem } from './problems.js';

/** What only the operator may see: `/metrics`. No Service or Ingress exposes its port. */
export function createInternalListener(metrics: Metrics, log: FastifyBaseLogger): FastifyInstance {
  const http: FastifyInstance = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: 30_000,
  });
  http.setErrorHandler(sendProblem);
  http.get('/metrics', async (_request, reply) => {
    return await reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
  return http;
}
