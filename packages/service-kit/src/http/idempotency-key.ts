import { AppError } from '@warren/contracts';
import type { FastifyRequest } from 'fastify';

const visibleAscii = /^[\x21-\x7e]{1,255}$/;

/**
 * The request's `Idempotency-Key`: 1 to 255 visible ASCII characters.
 *
 * Throws `idempotency-key-required` without the header, and `invalid-request` for any other value.
 */
export function idempotencyKey(request: FastifyRequest): string {
  const header = request.headers['idempotency-key'];
  if (header === undefined || header === '') throw new AppError('idempotency-key-required');
  if (typeof header === 'string' && visibleAscii.test(header)) return header;
  throw new AppError('invalid-request', {
    detail: 'Idempotency-Key must be 1 to 255 visible ASCII characters',
    errors: [{ pointer: '/headers/idempotency-key', code: 'pattern' }],
  });
}
