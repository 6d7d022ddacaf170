import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '@warren/contracts';
import { createLocalJWKSet, createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import type { Logger } from 'pino';
import type { Background } from '../definition.js';

/** Milliseconds that a fetch may take. */
const fetchTimeout = 3_000;
/** Milliseconds after a failed fetch in which none is tried. */
const retryAfter = 2_000;
/** While fetches fail in a row, the log gets a line for one in so many. */
const failuresPerLine = 10;

export interface RemoteKeys {
  /**
   * Fetches the keys when they are first needed, and again for an unknown key id.
   *
   * While the issuer can't be reached, the keys that were fetched before are used. Without any, this throws
   * `service-unavailable`: after a fetch was tried, or at once if the last failure is recent.
   */
  readonly keys: JWTVerifyGetKey;
  /** Whether the keys were fetched, so that tokens can be verified. */
  readonly known: boolean;
  /** Fetches the keys in the background until it succeeds, so that they are there when the first token comes. */
  readonly firstRead: Background;
}

/** The issuer's public keys (RFC 7517) at this URL. */
export function createRemoteKeys(url: URL, log: Logger): RemoteKeys {
  const remote = createRemoteJWKSet(url, { timeoutDuration: fetchTimeout });
  const isKnown = () => remote.jwks() !== undefined;
  let failedAt = Number.NEGATIVE_INFINITY;
  let failure: unknown;

  const lastKnown: JWTVerifyGetKey = async (header, token) => {
    const seen = remote.jwks();
    if (!seen) throw new AppError('service-unavailable', { cause: failure });
    return await createLocalJWKSet(seen)(header, token);
  };

  return {
    keys: async (header, token) => {
      if (Date.now() - failedAt < retryAfter) return await lastKnown(header, token);
      try {
        return await remote(header, token);
      } catch (error) {
        if (isAboutToken(error)) throw error;
        failedAt = Date.now();
        failure = error;
        log.warn({ err: error, url: url.href }, 'cannot fetch the public keys of the token issuer');
        return await lastKnown(header, token);
      }
    },
    get known() {
      return isKnown();
    },
    firstRead: firstRead({ url, log, isKnown, read: () => remote.reload() }),
  };
}

interface FirstRead {
  url: URL;
  log: Logger;
  isKnown(): boolean;
  read(): Promise<void>;
}

function firstRead({ url, log, isKnown, read }: FirstRead): Background {
  const stopping = new AbortController();
  const { signal } = stopping;
  let running: Promise<void> = Promise.resolve();

  async function readUntilKnown(): Promise<void> {
    for (let failures = 0; !signal.aborted && !isKnown(); ) {
      try {
        await read();
      } catch (error) {
        // Services start in any order, so the first failure is no cause for a warning.
        if (failures++ % failuresPerLine === 0) {
          const level = failures === 1 ? 'info' : 'warn';
          log[level](
            { reason: String(error), url: url.href },
            'waiting for the public keys of the token issuer; sockets are refused until then',
          );
        }
        await pause(retryAfter, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  return {
    name: 'public keys',
    start() {
      running = readUntilKnown();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** The keys were fetched, but none of them is the token's. */
function isAboutToken(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys;
}
