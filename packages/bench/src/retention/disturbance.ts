import { setTimeout as sleep } from 'node:timers/promises';
import { defineContract } from '@warren/contracts';
import {
  createUnitOfWork,
  type Messaging,
  type RawClient,
  Retention,
  type RetentionStats,
  react,
  type Tx,
} from '@warren/unit-of-work';
import { Type } from 'typebox';
import { rawStore } from '../warren/raw-store.js';
import { InstantBus } from './instant-bus.js';
import { dayMs, log, noonOf, type Plan, type Stage } from './stage.js';

export interface Windows {
  rate: number;
  seconds: number;
  pairs: number;
}

/** Latencies of events in milliseconds, from the time at which they were due. */
export interface Samples {
  /** Until the relay passed the event to the bus. */
  relayed: number[];
  /** Until the consumer had handled the event. */
  handled: number[];
}

export interface Disturbance {
  /** What retention did during the traffic. */
  name: 'rows pruned' | 'days dropped';
  quiet: Samples;
  busy: Samples;
  stats: RetentionStats;
}

const schema = Type.Object({ due: Type.Number() });
const contract = defineContract({
  service: 'note',
  emits: { 'note.written': schema },
  commands: {},
  feed: { 'note.written': schema },
});

/**
 * Lets one service write, relay and handle its own events at a fixed rate, in alternating windows without and with
 * retention. First retention prunes rows, then it drops the plan's days one after the other.
 */
export async function disturbances({ pool }: Stage, plan: Plan, windows: Windows): Promise<Disturbance[]> {
  let samples = noSamples();
  const bus = new InstantBus((due) => samples.relayed.push(performance.now() - due));
  const client = rawStore.client(pool);
  const messaging = createUnitOfWork({ contract, client, pool, bus, log });
  await messaging.start({
    handlers: [
      react(contract, 'note.written', {
        async handle(tx: Tx<RawClient, typeof contract>, { data, entityversion }) {
          tx.feed(`user-${entityversion % plan.users}`, { type: 'note.written', data });
          samples.handled.push(performance.now() - data.due);
        },
      }),
    ],
  });
  const measure = async (name: Disturbance['name'], retention: Retention, work: () => Promise<void>) => {
    const [quiet, busy] = [noSamples(), noSamples()];
    for (let pair = 0; pair < windows.pairs; pair += 1) {
      samples = quiet;
      await traffic(messaging, windows);
      samples = busy;
      let over = false;
      const working = (async () => {
        while (!over) await work();
      })();
      await traffic(messaging, windows);
      over = true;
      await working;
    }
    return { name, quiet, busy, stats: retention.stats };
  };

  await traffic(messaging, windows); // Warms up.
  let now = noonOf(1);
  const clock = () => now;
  const limits = { outboxDays: 10_000, inboxDays: 10_000, feedDays: 1, feedRecentHours: 1 };
  const pruning = new Retention({ pool, log, clock, limits });
  const pruned = await measure('rows pruned', pruning, async () => {
    // An hour at a time, so that a round doesn't last longer than its window.
    now = new Date(now.getTime() + 3_600_000);
    await pruning.round();
  });

  await pool.query('TRUNCATE messaging.idempotency');
  now = noonOf(7);
  const dropping = new Retention({ pool, log, clock, limits: { feedDays: 10_000, feedEntries: 1e9 } });
  const dropped = await measure('days dropped', dropping, async () => {
    now = new Date(now.getTime() + dayMs);
    const pause = (windows.seconds * 1_000 * windows.pairs) / (plan.days + 10);
    await Promise.all([dropping.round(), sleep(pause)]);
  });
  await messaging.stop();
  return [pruned, dropped];
}

const noSamples = (): Samples => ({ relayed: [], handled: [] });

/** An open loop: starts each write when it is due, even while others are pending. Ends when all events are handled. */
async function traffic(
  messaging: Messaging<RawClient, typeof contract>,
  { rate, seconds }: Windows,
): Promise<void> {
  const began = performance.now();
  const before = messaging.stats().consumer?.handled ?? 0;
  const writes: Promise<void>[] = [];
  for (let number = 0; number < rate * seconds; number += 1) {
    const due = began + (number * 1_000) / rate;
    if (due > performance.now()) await sleep(due - performance.now());
    writes.push(
      messaging.uow.run(async (tx) => {
        tx.publish({ type: 'note.written', subject: `note-${number}`, version: number + 1, data: { due } });
      }),
    );
  }
  await Promise.all(writes);
  while ((messaging.stats().consumer?.handled ?? 0) < before + writes.length) await sleep(20);
}
