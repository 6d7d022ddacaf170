import { setTimeout as sleep } from 'node:timers/promises';
import type { Faults } from './client.js';
import type { Standing, SwarmReport } from './swarm.js';

export interface StormPlan {
  clients: number;
  broadcasts: number;
  /** How often each client is cut, spread evenly over the broadcasts. */
  cuts: number;
  /** Milliseconds from one broadcast to the next. */
  intervalMs: number;
  /** Milliseconds for all clients to connect, to come back, or to be complete in the end. */
  patienceMs: number;
}

/** A node and a swarm as the storm sees them, in this process or in another. */
export interface NodeHandle {
  broadcast(number: number): Promise<void>;
}
export interface SwarmHandle {
  standing(): Promise<Standing>;
  cut(): Promise<void>;
  report(): Promise<SwarmReport>;
}

export interface StormResult {
  clients: number;
  cuts: number;
  /** Entries that each feed has in the end. */
  head: number;
  /** Clients whose last entry isn't the head. */
  incomplete: number;
  faults: Faults;
  replays: number[];
  outages: number[];
}

/**
 * Connects nobody: the swarms are under way already. Broadcasts by all nodes in turn, cuts every client in the middle
 * of it, again and again, and waits until all are complete. Rejects with what was missing if that takes too long.
 */
export async function playStorm(
  plan: StormPlan,
  nodes: readonly NodeHandle[],
  swarms: readonly SwarmHandle[],
  say: (line: string) => void,
): Promise<StormResult> {
  const { broadcasts, cuts } = plan;
  await until(plan, swarms, 'all connected', ({ ready }) => ready === plan.clients);
  say(`${plan.clients} clients are connected`);
  const cutAfter = new Set(
    Array.from({ length: cuts }, (_, index) => Math.round(((index + 1) * broadcasts) / cuts) - 1),
  );
  const broadcast = (number: number) => (nodes[number % nodes.length] as NodeHandle).broadcast(number);
  for (let number = 1; number <= broadcasts; number += 1) {
    if (cutAfter.has(number)) {
      await until(plan, swarms, 'all back', ({ ready }) => ready === plan.clients);
      await Promise.all([broadcast(number), ...swarms.map((swarm) => swarm.cut())]);
      say(`cut all of them at broadcast ${number} of ${broadcasts}`);
    } else {
      await broadcast(number);
    }
    await sleep(plan.intervalMs);
  }
  await until(plan, swarms, `all at ${broadcasts}`, ({ lowest }) => lowest >= broadcasts);
  // Each socket's events keep their order: whatever was sent twice has come once this one has.
  const head = broadcasts + 1;
  await broadcast(head);
  await until(plan, swarms, `all at ${head}`, ({ lowest }) => lowest >= head);
  return summed(await Promise.all(swarms.map((swarm) => swarm.report())), head);
}

async function until(
  { patienceMs }: StormPlan,
  swarms: readonly SwarmHandle[],
  what: string,
  good: (all: Standing) => boolean,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const standings = await Promise.all(swarms.map((swarm) => swarm.standing()));
    const all = {
      ready: standings.reduce((sum, { ready }) => sum + ready, 0),
      lowest: Math.min(...standings.map(({ lowest }) => lowest)),
    };
    if (good(all)) return;
    if (performance.now() > deadline) {
      throw new Error(
        `not ${what} within ${patienceMs} ms: ${all.ready} connected, the last one at ${all.lowest}`,
      );
    }
    await sleep(20);
  }
}

function summed(reports: readonly SwarmReport[], head: number): StormResult {
  const faults: Faults = { gaps: 0, duplicates: 0, repeated: 0, resets: 0, behind: 0, refused: 0 };
  for (const report of reports) {
    for (const key of Object.keys(faults) as (keyof Faults)[]) faults[key] += report.faults[key];
  }
  return {
    clients: reports.reduce((sum, { clients }) => sum + clients, 0),
    cuts: reports.reduce((sum, { cuts }) => sum + cuts, 0),
    head,
    incomplete: reports.flatMap(({ ends }) => ends).filter((end) => end !== head).length,
    faults,
    replays: reports.flatMap(({ replays }) => replays),
    outages: reports.flatMap(({ outages }) => outages),
  };
}
