import { setTimeout as sleep } from 'node:timers/promises';
import { Stage, total } from './stage.js';

export interface ConsumerPoint {
  batchSize: number;
  instances: number;
  /** Handled events per second, from the first to the last, for at most `seconds`. */
  perSecond: number;
}

const pollMs = 50;
const timeoutMs = 60_000;

/** Measures how fast consumers handle a full queue, by the number of events per transaction. */
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
  await scribe?.ask('write', { events, perTransaction: 50, concurrency: 8 }, timeoutMs);
  const deadline = performance.now() + timeoutMs;
  while ((await stage.waiting()) > 0) {
    if (performance.now() > deadline) throw new Error(`rows are still unpublished after ${timeoutMs} ms`);
    await sleep(pollMs);
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

  async function handledAbove(known: number): Promise<{ count: number; at: number }> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const count = await total(readers, 'handled');
      if (count > known) return { count, at: performance.now() };
      if (performance.now() > deadline) throw new Error(`nothing was handled within ${timeoutMs} ms`);
      await sleep(pollMs);
    }
  }
}
