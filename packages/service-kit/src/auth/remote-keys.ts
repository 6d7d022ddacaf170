import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '@warren/contracts';
import { createLocalJWKSet, createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import type { Logger } from 'pino';
import type { Background } from '../definition.js';

/** Milliseconds: one fetch may last so long, and after a failed one no other is tried for so long. */
const fetchTimeout = 3_000;
const retryAfter = 2_000;

/** One of so many failures in a row is worth a line in the log. */
const failuresPerLine = 10;

export interface RemoteKeys {
  /**
   * Fetches the keys when first needed and again for an unknown key id.
   *
   * An issuer that can't be reached makes no token wrong: keys seen before go on being used, and without any
   * the result is `service-unavailable`, at once while the last failure is recent.
   */
  readonly keys: JWTVerifyGetKey;
  /** Whether the keys were read once, so that tokens can be verified. */
  readonly known: boolean;
  /** Tries to read them until they are known, whether or not anybody needs them yet. */
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
        if (isAnswer(error)) throw error;
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
        // Services start in any order: one that is up before the issuer has nothing to complain of yet.
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

/** The keys were there; this token names none of them. */
function isAnswer(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys;
}
