import type { FastifyRequest } from 'fastify';
import type { Caller } from '../operations/caller.js';

/** The person who sent the request. */
export function requestCaller({ principal, cause }: Pick<FastifyRequest, 'principal' | 'cause'>): Caller {
  return { userId: principal.userId, cause };
}

/**
 * Requests of one person. Somebody who clears their inbox by hand sends many marks, but nobody changes settings often.
 */
export const mostPerMinute = { marks: 600, settings: 60 } as const;
