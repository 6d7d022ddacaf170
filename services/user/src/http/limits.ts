import type { FastifyInstance } from 'fastify';
import { TooEarly } from '../operations/too-early.js';

/** So many requests a minute on one instance: of one person who is signed in, else of one client network. */
export function perMinute(max: number) {
  return { max, timeWindow: '1 minute' };
}

/** Whoever comes too early is told when they may come again. */
export function tellWhenToRetry(http: FastifyInstance): void {
  http.addHook('onError', async (_request, reply, error) => {
    if (error instanceof TooEarly) reply.header('retry-after', error.retryAfter);
  });
}
