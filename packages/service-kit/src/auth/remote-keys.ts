import { AppError } from '@warren/contracts';
import { createLocalJWKSet, createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import type { Logger } from 'pino';

/** Milliseconds: one fetch may last so long, and after a failed one no other is tried for so long. */
const fetchTimeout = 3_000;
const retryAfter = 2_000;

/**
 * The issuer's public keys, fetched when first needed and again for an unknown key id.
 *
 * An issuer that can't be reached makes no token wrong: keys seen before go on being used, and without any
 * the result is `service-unavailable`, at once while the last failure is recent.
 */
export function createRemoteKeys(url: URL, log: Logger): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(url, { timeoutDuration: fetchTimeout });
  let failedAt = Number.NEGATIVE_INFINITY;
  let failure: unknown;

  const lastKnown: JWTVerifyGetKey = async (header, token) => {
    const seen = remote.jwks();
    if (!seen) throw new AppError('service-unavailable', { cause: failure });
    return await createLocalJWKSet(seen)(header, token);
  };

  return async (header, token) => {
    if (Date.now() - failedAt < retryAfter) return await lastKnown(header, token);
    try {
      return await remote(header, token);
    } catch (error) {
      if (isAnswer(error)) throw error;
      failedAt = Date.now();
      failure = error;
      log.warn({ err: error, url: url.href }, 'cannot fetch the public keys of the token issuer');
      return await lastKnown(header, token);
    }
  };
}

/** The keys were there; this token names none of them. */
function isAnswer(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys;
}
