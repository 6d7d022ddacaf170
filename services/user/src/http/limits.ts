import { networkOf, perMinute } from '@warren/service-kit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { TooEarly } from '../operations/too-early.js';

/** So many requests a minute on one instance of one client network, however many people of it are signed in. */
export function perMinuteOfNetwork(max: number) {
  const keyGenerator = ({ clientAddress }: FastifyRequest) => networkOf(clientAddress);
  return { ...perMinute(max), keyGenerator };
}

/** Whoever comes too early is told when they may come again. */
export function tellWhenToRetry(http: FastifyInstance): void {
  http.addHook('onError', async (_request, reply, error) => {
    if (error instanceof TooEarly) reply.header('retry-after', error.retryAfter);
  });
}
