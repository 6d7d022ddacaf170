import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from '../processes/child.js';
import type { Load } from './node.js';
import { Stage } from './stage.js';

export type Way = 'poll' | 'nudge';

export interface RelayPoint {
  perTransaction: number;
  way: Way;
  instances: number;
  /** Events per second, from the first write until the last event is confirmed and marked as published. */
  perSecond: number;
}

const writers = 16;
const pollMs = 25;
const timeoutMs = 60_000;

/** Measures how fast relays publish concurrent writes, with a notification of each commit or by polling alone. */
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
          `relay, ${way}, ${instances} instances, ${perTransaction} per transaction: ${perSecond.toFixed(0)}/s`,
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
    writing.map((node) => writePart(node, { ...load, events: 200 * writing.length }, writing.length)),
  );
  await untilPublished(stage);
  const began = performance.now();
  await Promise.all(writing.map((node) => writePart(node, load, writing.length)));
  await untilPublished(stage);
  return (load.events * 1_000) / (performance.now() - began);
}

function writePart(node: Child, { events, perTransaction, concurrency }: Load, nodes: number): Promise<void> {
  const part = { events: events / nodes, perTransaction, concurrency: concurrency / nodes };
  return node.ask('write', part, timeoutMs);
}

async function untilPublished(stage: Stage): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while ((await stage.waiting()) > 0) {
    if (performance.now() > deadline) throw new Error(`rows are still unpublished after ${timeoutMs} ms`);
    await sleep(pollMs);
  }
}
