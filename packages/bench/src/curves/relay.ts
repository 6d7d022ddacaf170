import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from '../processes/child.js';
import type { Load } from './node.js';
import { Stage } from './stage.js';

export type Way = 'poll' | 'nudge';

export interface RelayPoint {
  perTransaction: number;
  way: Way;
  instances: number;
  /** Events a second, from the first write until the last was confirmed and marked. */
  perSecond: number;
}

const writers = 16;
const lookEveryMs = 25;
const patienceMs = 60_000;

/** How fast relays publish what is written meanwhile: told of each commit, or by polling alone. */
export async function relayCurve(
  events: number,
  stop: AbortSignal,
  say: (line: string) => void,
): Promise<RelayPoint[]> {
  const points: RelayPoint[] = [];
  for (const way of ['poll', 'nudge'] as const) {
    for (const instances of [1, 2]) {
      for (const perTransaction of [1, 10, 50]) {
        const measure = (stage: Stage) =>
          rate(stage, { events, perTransaction, concurrency: writers }, way, instances);
        const perSecond = await Stage.with(stop, measure);
        say(
          `relay, ${way}, ${instances} instances, ${perTransaction} a transaction: ${perSecond.toFixed(0)}/s`,
        );
        points.push({ perTransaction, way, instances, perSecond });
      }
    }
  }
  return points;
}

async function rate(stage: Stage, load: Load, way: Way, instances: number): Promise<number> {
  const relays = await stage.nodes(instances, { role: 'relaying' });
  const writing = way === 'poll' ? await stage.nodes(1, { role: 'writing' }) : relays;
  await Promise.all(
    writing.map((node) => share(node, { ...load, events: 200 * writing.length }, writing.length)),
  );
  await published(stage);
  const began = performance.now();
  await Promise.all(writing.map((node) => share(node, load, writing.length)));
  await published(stage);
  return (load.events * 1_000) / (performance.now() - began);
}

function share(node: Child, { events, perTransaction, concurrency }: Load, among: number): Promise<void> {
  const part = { events: events / among, perTransaction, concurrency: concurrency / among };
  return node.ask('write', part, patienceMs);
}

async function published(stage: Stage): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while ((await stage.waiting()) > 0) {
    if (performance.now() > deadline) throw new Error(`rows still wait after ${patienceMs} ms`);
    await sleep(lookEveryMs);
  }
}
