import { setTimeout as pause } from 'node:timers/promises';
import type { PaymentProvider } from '../../src/providers/provider.js';
import type { Fault } from './stripe/stand-in.js';

/** Numbers from 0 to 1 that the seed decides (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A third of all calls go wrong in one of the ways that there are. */
export function stormy(next: () => number): () => Fault {
  const faults: Fault[] = ['cut-before', 'cut-after', 'hang', 'busy'];
  return () => (next() < 0.33 ? (faults[Math.floor(next() * faults.length)] ?? 'none') : 'none');
}

/** The provider behind a line on which calls get lost, before or after they had their effect, or hang. */
export function behindBadLine(provider: PaymentProvider, line: { fault: () => Fault }): PaymentProvider {
  async function through<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const fault = line.fault();
    if (fault === 'cut-before' || fault === 'busy') throw new Error(`injected: ${fault}`);
    const outcome = await work();
    if (fault === 'cut-after') throw new Error('injected: cut-after');
    if (fault === 'hang') await pause(60_000, undefined, { signal });
    return outcome;
  }
  return {
    ...provider,
    perform: (operation, signal) => through(() => provider.perform(operation, signal), signal),
    retrieve: (operation, signal) => through(() => provider.retrieve(operation, signal), signal),
  };
}
