import { setTimeout as sleep } from 'node:timers/promises';
import { defineContract } from '@warren/contracts';
import {
  createUnitOfWork,
  type Messaging,
  type RawClient,
  Retention,
  type RetentionStats,
} from '@warren/unit-of-work';
import { rawStore } from '../warren/raw-store.js';
import { InstantBus } from './instant-bus.js';
import { log, noonOf, type Plan, type Stage } from './stage.js';

export interface Windows {
  rate: number;
  seconds: number;
  pairs: number;
}

/** Milliseconds from an event's due time to its place, one a event. */
export interface Samples {
  /** Given to the bus. */
  relayed: number[];
  /** Handled by its consumer, in a transaction of its own. */
  handled: number[];
}

export interface Disturbance {
  quiet: Samples;
  dropping: Samples;
  stats: RetentionStats;
}

const service = 'note';
const schema = { type: 'object', properties: { due: { type: 'number' } }, required: ['due'] };
const contract = defineContract({
  service,
  emits: { 'note.written': schema },
  consumes: ['note.written'],
  commands: {},
  feed: { 'note.written': schema },
});

/**
 * One service writes, relays and handles its own events at a fixed rate. In every second window the clock of its
 * retention runs through the plan's days, so that day after day is dropped and feeds are pruned.
 */
export async function disturbance({ pool }: Stage, plan: Plan, windows: Windows): Promise<Disturbance> {
  let samples: Samples = { relayed: [], handled: [] };
  const bus = new InstantBus((due) => samples.relayed.push(performance.now() - due));
  const client = rawStore.client(pool);
  const messaging = createUnitOfWork({ service, contract, client, pool, bus, log });
  await messaging.start({
    handlers: [
      {
        kind: 'react',
        type: 'note.written',
        async handle(tx, event) {
          const data = event.data as { due: number };
          tx.feed(`user-${event.entityversion % plan.users}`, { type: 'note.written', data });
          samples.handled.push(performance.now() - data.due);
        },
      },
    ],
  });

  // The first days are over when the outbox's 7 and the inbox's 14 days have passed.
  let day = 8;
  const retention = new Retention({ pool, log, clock: () => noonOf(day) });
  const result: Disturbance = {
    quiet: { relayed: [], handled: [] },
    dropping: { relayed: [], handled: [] },
    stats: retention.stats,
  };
  const daysPerWindow = Math.ceil((plan.days + 7) / windows.pairs);
  await traffic(messaging, windows); // Warms up.
  for (let pair = 0; pair < windows.pairs; pair += 1) {
    samples = result.quiet;
    await traffic(messaging, windows);
    samples = result.dropping;
    const rounds = async () => {
      for (let each = 0; each < daysPerWindow; each += 1, day += 1) {
        await Promise.all([retention.round(), sleep((windows.seconds * 1_000) / daysPerWindow)]);
      }
    };
    await Promise.all([traffic(messaging, windows), rounds()]);
  }
  result.stats = retention.stats;
  await messaging.stop();
  return result;
}

/** An open loop: each write begins when it is due, whatever became of those before. Ends when all are handled. */
async function traffic(messaging: Messaging<RawClient>, { rate, seconds }: Windows): Promise<void> {
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
