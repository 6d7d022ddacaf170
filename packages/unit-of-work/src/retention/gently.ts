import type { PoolClient } from 'pg';
import type { Logger } from 'pino';
import { gaveWay, step } from './step.js';

export interface GentlyParts {
  client: PoolClient;
  log: Logger;
  /** Waits; cut short when the work shall end. */
  sleep(ms: number): Promise<void>;
  /** True once the work shall end: then with the step in hand. */
  stopped(): boolean;
  onGaveWay(): void;
}

/** After each step a pause of so many times its own length, so that a round takes but a share of the database. */
const restFactor = 3;
const leastRestMs = 10;
/** A step that gave way is tried again so often, after so long. */
const attempts = 5;
const retryMs = 1_000;

/** Runs a step; `undefined` if it gave way each time, or shall not run any more. Rejects if the database fails. */
export type Gently = <T>(what: string, work: () => Promise<T>) => Promise<T | undefined>;

export function createGently({ client, log, sleep, stopped, onGaveWay }: GentlyParts): Gently {
  return async (what, work) => {
    for (let attempt = 1; attempt <= attempts && !stopped(); attempt++) {
      const began = performance.now();
      try {
        const value = await step(client, work);
        await sleep(Math.max(leastRestMs, restFactor * (performance.now() - began)));
        return value;
      } catch (error) {
        if (!gaveWay(error)) throw error;
        onGaveWay();
        log.debug({ err: error, what, attempt }, 'retention gave way');
        if (attempt < attempts) await sleep(retryMs);
      }
    }
    if (!stopped()) log.info({ what }, 'retention left for the next round what others keep in use');
    return undefined;
  };
}
