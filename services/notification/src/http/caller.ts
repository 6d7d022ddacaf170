import type { FastifyRequest } from 'fastify';
import type { Caller } from '../operations/caller.js';

export function callerOf({ principal, cause }: Pick<FastifyRequest, 'principal' | 'cause'>): Caller {
  return { userId: principal.userId, cause };
}
