import { setTimeout as pause } from 'node:timers/promises';
import type { PaymentProvider } from '../../src/providers/provider.js';
import type { Fault } from './stripe/stand-in.js';

/** Pseudo-random numbers from 0 to 1 (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Makes a third of all calls fail, each with a random fault. */
export function randomFaults(next: () => number): () => Fault {
  const faults: Fault[] = ['cut-before', 'cut-after', 'hang', 'busy'];
  return () => (next() < 0.33 ? (faults[Math.floor(next() * faults.length)] ?? 'none') : 'none');
}

/** A provider whose calls fail before or after they take effect, or hang. */
export function withFaults(provider: PaymentProvider, faults: { fault: () => Fault }): PaymentProvider {
  async function withFault<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const fault = faults.fault();
    if (fault === 'cut-before' || fault === 'busy') throw new Error(`injected: ${fault}`);
    const outcome = await work();
    if (fault === 'cut-after') throw new Error('injected: cut-after');
    if (fault === 'hang') await pause(60_000, undefined, { signal });
    return outcome;
  }
  return {
    ...provider,
    perform: (operation, signal) => withFault(() => provider.perform(operation, signal), signal),
    retrieve: (operation, signal) => withFault(() => provider.retrieve(operation, signal), signal),
  };
}
