import { expect } from '@jest/globals';
import { eventually } from '@warren/testing';

export interface SteadyLoad {
  /** Waits for this many more answers. */
  more(answers: number): Promise<void>;
  /** Ends the load. Resolves to all statuses other than 200 and 201. Rejects if a request got no answer. */
  end(): Promise<number[]>;
}

/** Calls all these functions concurrently, each one again as soon as it has an answer. */
export function steadyLoad(askers: readonly (() => Promise<{ status: number }>)[]): SteadyLoad {
  const statuses: number[] = [];
  let over = false;
  const load = Promise.all(
    askers.map(async (ask) => {
      while (!over) statuses.push((await ask()).status);
    }),
  );
  // `end` awaits the load and reports its error.
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
