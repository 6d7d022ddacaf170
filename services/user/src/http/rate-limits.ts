import { networkOf, perMinute } from '@warren/service-kit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RateLimited } from '../domain/attempts.js';

/** Limits the requests a minute of one client network on one instance, however many users of it are signed in. */
export function perMinuteOfNetwork(max: number) {
  const keyGenerator = ({ clientAddress }: FastifyRequest) => networkOf(clientAddress);
  return { ...perMinute(max), keyGenerator };
}

/** Adds `Retry-After` to the answers of these routes if an attempt has to wait. */
export function addRetryAfter(http: FastifyInstance): void {
  http.addHook('onError', async (_request, reply, error) => {
    if (error instanceof RateLimited) reply.header('retry-after', error.retryAfter);
  });
}
