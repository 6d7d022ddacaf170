import { setTimeout as sleep } from 'node:timers/promises';
import { type Faults, sumOfFaults } from './client.js';
import type { Standing, SwarmReport } from './swarm.js';

export interface StormPlan {
  clients: number;
  broadcasts: number;
  /** How often each client is cut. The cuts are spread evenly over the broadcasts. */
  cuts: number;
  /** Milliseconds between broadcasts. */
  intervalMs: number;
  /** The timeout in milliseconds for all clients to connect, to reconnect, or to complete. */
  timeoutMs: number;
}

/** Access to a node or a swarm, in this process or in another. */
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
  /** The number of entries in each feed at the end. */
  head: number;
  /** Clients whose last entry isn't the head. */
  incomplete: number;
  faults: Faults;
  replays: number[];
  outages: number[];
}

/**
 * Plays a storm with swarms that are already connecting. Broadcasts through all nodes in turn, cuts all clients several
 * times meanwhile, and waits until all are complete. If that takes too long, rejects with the clients' progress.
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
  // A socket keeps the order of its events: when this last one has arrived, all duplicates have arrived too.
  const head = broadcasts + 1;
  await broadcast(head);
  await until(plan, swarms, `all at ${head}`, ({ lowest }) => lowest >= head);
  return summed(await Promise.all(swarms.map((swarm) => swarm.report())), head);
}

async function until(
  { timeoutMs }: StormPlan,
  swarms: readonly SwarmHandle[],
  what: string,
  isDone: (all: Standing) => boolean,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const standings = await Promise.all(swarms.map((swarm) => swarm.standing()));
    const all = {
      ready: standings.reduce((sum, { ready }) => sum + ready, 0),
      lowest: Math.min(...standings.map(({ lowest }) => lowest)),
    };
    if (isDone(all)) return;
    if (performance.now() > deadline) {
      throw new Error(
        `not ${what} within ${timeoutMs} ms: ${all.ready} connected, the last one at ${all.lowest}`,
      );
    }
    await sleep(20);
  }
}

function summed(reports: readonly SwarmReport[], head: number): StormResult {
  return {
    clients: reports.reduce((sum, { clients }) => sum + clients, 0),
    cuts: reports.reduce((sum, { cuts }) => sum + cuts, 0),
    head,
    incomplete: reports.flatMap(({ ends }) => ends).filter((end) => end !== head).length,
    faults: sumOfFaults(reports.map(({ faults }) => faults)),
    replays: reports.flatMap(({ replays }) => replays),
    outages: reports.flatMap(({ outages }) => outages),
  };
}
