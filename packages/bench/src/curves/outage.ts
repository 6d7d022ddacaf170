import { setTimeout as sleep } from 'node:timers/promises';
import { faultProxy } from '@warren/testing';
import type { Child } from '../processes/child.js';
import type { Memory } from './node-main.js';
import { Stage } from './stage.js';

export interface Outage {
  instances: number;
  rows: number;
  /** Unpublished rows by seconds since the broker's return. */
  waiting: { seconds: number; rows: number }[];
  secondsToFirst: number;
  secondsToLast: number;
  /** The highest values of all instances, in bytes. */
  memory: { before: number; peakWhileDown: number; peak: number };
}

const pollMs = 250;
const timeoutMs = 120_000;

/** Writes rows while the broker is away, and measures how long relays publish them after its return, and the memory. */
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
  // Warm up, so that `before` includes compiled code.
  await write(nodes, 1_000);
  await untilUnpublished(stage, (count) => count === 0);
  const before = await maxMemory(nodes, ({ now }) => now);

  proxy.refuse();
  await write(nodes, rows);
  const peakWhileDown = await maxMemory(nodes, ({ peak }) => peak);
  const atFirst = await stage.waiting();
  const began = performance.now();
  proxy.resume();
  const waiting: Outage['waiting'] = [{ seconds: 0, rows: atFirst }];
  let secondsToFirst: number | undefined;
  await untilUnpublished(stage, (count) => {
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
    memory: { before, peakWhileDown, peak: await maxMemory(nodes, ({ peak }) => peak) },
  };
}

async function write(nodes: readonly Child[], rows: number): Promise<void> {
  const load = { events: rows / nodes.length, perTransaction: 50, concurrency: 4 };
  await Promise.all(nodes.map((node) => node.ask('write', load, timeoutMs)));
}

async function untilUnpublished(stage: Stage, isDone: (count: number) => boolean): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!isDone(await stage.waiting())) {
    if (performance.now() > deadline) throw new Error(`rows are still unpublished after ${timeoutMs} ms`);
    await sleep(pollMs);
  }
}

async function maxMemory(nodes: readonly Child[], pick: (memory: Memory) => number): Promise<number> {
  const memories = await Promise.all(nodes.map((node) => node.ask<Memory>('memory', undefined, 10_000)));
  return Math.max(...memories.map(pick));
}
