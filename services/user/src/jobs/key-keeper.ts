import { type Background, rounds } from '@warren/service-kit';
import type { UserContext } from '../context.js';

type Dependencies = Pick<UserContext, 'log'> & { keepSigningKeys(): Promise<void>; everyMs: number };

/** Rotates the signing keys, and loads the keys that other instances made. */
export function keyKeeper({ log, keepSigningKeys, everyMs }: Dependencies): Background {
  const round = async () => {
    await keepSigningKeys();
    return false;
  };
  return rounds({ name: 'key-keeper', everyMs, firstAfterMs: everyMs, log, round });
}
