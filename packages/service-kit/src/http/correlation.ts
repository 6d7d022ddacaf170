import type { IncomingMessage } from 'node:http';
import type { Cause } from '@warren/unit-of-work';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { v7 } from 'uuid';

const acceptable = /^[A-Za-z0-9._:-]{8,128}$/;
const traceContext = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The client's `x-correlation-id` if it is safe to write into logs and headers; otherwise a new id. */
export function correlationIdOf(message: Pick<IncomingMessage, 'headers'>): string {
  const given = message.headers['x-correlation-id'];
  return typeof given === 'string' && acceptable.test(given) ? given : v7();
}

/** Adds `request.correlationId` and `request.cause`, and sends `x-correlation-id` with every response. */
export function useCorrelation(http: FastifyInstance): void {
  http.decorateRequest('correlationId', {
    getter(this: FastifyRequest) {
      return this.id;
    },
  });
  http.decorateRequest('cause', {
    getter(this: FastifyRequest): Cause {
      const traceparent = this.headers.traceparent;
      const traced = typeof traceparent === 'string' && traceContext.test(traceparent);
      return { correlationId: this.id, ...(traced && { traceparent }) };
    },
  });
  http.addHook('onRequest', async (request, reply) => {
    reply.header('x-correlation-id', request.id);
  });
}
