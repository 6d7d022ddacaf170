import { expect } from '@jest/globals';
import { eventually } from '@warren/testing';

export interface SteadyLoad {
  /** Waits for so many more answers. */
  more(answers: number): Promise<void>;
  /** Ends the load, and answers all statuses that weren't 200 or 201. Rejects if asking failed altogether. */
  end(): Promise<number[]>;
}

/** Asks each of these again and again, one after the other each, all at the same time. */
export function steadyLoad(askers: readonly (() => Promise<{ status: number }>)[]): SteadyLoad {
  const statuses: number[] = [];
  let over = false;
  const load = Promise.all(
    askers.map(async (ask) => {
      while (!over) statuses.push((await ask()).status);
    }),
  );
  // It is waited for at the end.
  load.catch(() => undefined);
  return {
    async more(answers) {
      const due = statuses.length + answers;
      await eventually(() => expect(statuses.length).toBeGreaterThan(due), { within: 60_000 });
    },
    async end() {
      over = true;
      await load;
      return statuses.filter((status) => status !== 200 && status !== 201);
    },
  };
}
