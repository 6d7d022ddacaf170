import type { FastifyInstance, FastifyRequest } from 'fastify';
import { TooEarly } from '../operations/too-early.js';
import { type AddressOf, networkOf } from './client-address.js';

/** So many requests a minute of one client address, on one instance. */
export function perAddress(max: number, addressOf: AddressOf) {
  const keyGenerator = (request: FastifyRequest) => networkOf(addressOf(request));
  return { max, timeWindow: '1 minute', keyGenerator };
}

/** So many requests a minute of one person who is signed in, on one instance. */
export function perPerson(max: number) {
  return { max, timeWindow: '1 minute' };
}

/** Whoever comes too early is told when they may come again. */
export function tellWhenToRetry(http: FastifyInstance): void {
  http.addHook('onError', async (_request, reply, error) => {
    if (error instanceof TooEarly) reply.header('retry-after', error.retryAfter);
  });
}
