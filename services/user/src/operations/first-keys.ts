import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from '../context.js';
import { UnreadableKeyError } from '../security/sealed-keys.js';

const tries = 5;
const defaultPauseMs = 500;

/**
 * The keys at start. A database that is slow at that moment, or another instance that holds the lock for long, is no
 * reason to exit: it is asked again, up to five times, with pauses that double. Throws the last failure; a secret
 * that doesn't fit is one at once.
 */
export async function firstKeys<T>(load: () => Promise<T>, log: Log, pauseMs = defaultPauseMs): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await load();
    } catch (error) {
      if (error instanceof UnreadableKeyError || tried === tries) throw error;
      log.warn({ err: error, tried }, 'the signing keys could not be read at start; trying again');
      await pause(pauseMs * 2 ** (tried - 1));
    }
  }
}
