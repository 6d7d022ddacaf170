import { setTimeout as sleep } from 'node:timers/promises';
import { Stage, total } from './stage.js';

export interface ConsumerPoint {
  batchSize: number;
  instances: number;
  /** Events handled a second, from the first to the last, or over `seconds`. */
  perSecond: number;
}

const lookEveryMs = 50;
const patienceMs = 60_000;

/** How fast consumers handle what waits in their queue, by the size of their transactions. */
export async function consumerCurve(
  { events, seconds }: { events: number; seconds: number },
  stop: AbortSignal,
  say: (line: string) => void,
): Promise<ConsumerPoint[]> {
  const points: ConsumerPoint[] = [];
  for (const instances of [1, 2]) {
    for (const batchSize of [1, 10, 50]) {
      const perSecond = await Stage.with(stop, async (stage) => {
        await fillQueue(stage, events);
        return rate(stage, { events, seconds, batchSize, instances });
      });
      say(`consumer, ${instances} instances, batches of ${batchSize}: ${perSecond.toFixed(0)}/s`);
      points.push({ batchSize, instances, perSecond });
    }
  }
  return points;
}

async function fillQueue(stage: Stage, events: number): Promise<void> {
  const [scribe] = await stage.nodes(1, { role: 'relaying' });
  await scribe?.ask('write', { events, perTransaction: 50, concurrency: 8 }, patienceMs);
  const deadline = performance.now() + patienceMs;
  while ((await stage.waiting()) > 0) {
    if (performance.now() > deadline) throw new Error(`rows still wait after ${patienceMs} ms`);
    await sleep(lookEveryMs);
  }
  await scribe?.stop();
}

async function rate(
  stage: Stage,
  {
    events,
    seconds,
    batchSize,
    instances,
  }: { events: number; seconds: number } & Omit<ConsumerPoint, 'perSecond'>,
): Promise<number> {
  const databaseUrl = await stage.bench.database();
  const readers = await stage.nodes(instances, { role: 'reading', batchSize, databaseUrl });
  const first = await handledAbove(0);
  const end = first.at + seconds * 1_000;
  let last = first;
  while (last.count < events && last.at < end) last = await handledAbove(last.count);
  return ((last.count - first.count) * 1_000) / (last.at - first.at);

  async function handledAbove(least: number): Promise<{ count: number; at: number }> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const count = await total(readers, 'handled');
      if (count > least) return { count, at: performance.now() };
      if (performance.now() > deadline) throw new Error(`nothing was handled within ${patienceMs} ms`);
      await sleep(lookEveryMs);
    }
  }
}
