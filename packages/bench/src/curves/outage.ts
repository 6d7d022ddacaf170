import { setTimeout as sleep } from 'node:timers/promises';
import { faultProxy } from '@warren/testing';
import type { Child } from '../processes/child.js';
import type { Memory } from './node-main.js';
import { Stage } from './stage.js';

export interface Outage {
  instances: number;
  rows: number;
  /** Rows that still wait, by seconds since the broker is back. */
  waiting: { seconds: number; rows: number }[];
  secondsToFirst: number;
  secondsToLast: number;
  /** Of the instance with the highest peak, in bytes. */
  memory: { before: number; peakWhileDown: number; peak: number };
}

const lookEveryMs = 250;
const patienceMs = 120_000;

/** The broker goes away, rows are written, the broker comes back: how long the rows take, and what they cost. */
export async function outages(
  rows: number,
  stop: AbortSignal,
  say: (line: string) => void,
): Promise<Outage[]> {
  const measured: Outage[] = [];
  for (const instances of [1, 2]) {
    const outage = await Stage.with(stop, (stage) => measure(stage, rows, instances));
    say(`${rows} rows, ${instances} instances: drained in ${outage.secondsToLast.toFixed(1)} s`);
    measured.push(outage);
  }
  return measured;
}

async function measure(stage: Stage, rows: number, instances: number): Promise<Outage> {
  const broker = new URL(stage.amqpUrl);
  const proxy = await faultProxy({ host: broker.hostname, port: Number(broker.port) });
  stage.bench.cleanup.defer('proxy', () => proxy.close());
  broker.hostname = '127.0.0.1';
  broker.port = String(proxy.port);
  const nodes = await stage.nodes(instances, { role: 'relaying', amqpUrl: broker.href });
  // What a running instance takes anyway, its code compiled.
  await write(nodes, 1_000);
  await untilWaiting(stage, (count) => count === 0);
  const before = await most(nodes, ({ now }) => now);

  proxy.refuse();
  await write(nodes, rows);
  const peakWhileDown = await most(nodes, ({ peak }) => peak);
  const atFirst = await stage.waiting();
  const began = performance.now();
  proxy.resume();
  const waiting: Outage['waiting'] = [{ seconds: 0, rows: atFirst }];
  let secondsToFirst: number | undefined;
  await untilWaiting(stage, (count) => {
    const seconds = (performance.now() - began) / 1_000;
    if (count < atFirst) secondsToFirst ??= seconds;
    waiting.push({ seconds, rows: count });
    return count === 0;
  });
  const secondsToLast = (performance.now() - began) / 1_000;
  return {
    instances,
    rows: atFirst,
    waiting,
    secondsToFirst: secondsToFirst ?? secondsToLast,
    secondsToLast,
    memory: { before, peakWhileDown, peak: await most(nodes, ({ peak }) => peak) },
  };
}

async function write(nodes: readonly Child[], rows: number): Promise<void> {
  const load = { events: rows / nodes.length, perTransaction: 50, concurrency: 4 };
  await Promise.all(nodes.map((node) => node.ask('write', load, patienceMs)));
}

async function untilWaiting(stage: Stage, good: (count: number) => boolean): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!good(await stage.waiting())) {
    if (performance.now() > deadline) throw new Error(`rows still wait after ${patienceMs} ms`);
    await sleep(lookEveryMs);
  }
}

async function most(nodes: readonly Child[], pick: (memory: Memory) => number): Promise<number> {
  const memories = await Promise.all(nodes.map((node) => node.ask<Memory>('memory', undefined, 10_000)));
  return Math.max(...memories.map(pick));
}
