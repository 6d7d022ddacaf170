import { randomBytes } from 'node:crypto';
import type { Delivery, EncodedEvent, EventBus, Subscription, Verdict } from '../../src/index.js';

/** Names of one test's own, so that tests can share a broker. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(5).toString('hex')}`;
}

let made = 0;

export function eventOf(
  type: string,
  id = `event-${++made}-${randomBytes(3).toString('hex')}`,
): EncodedEvent {
  return { id, type, body: JSON.stringify({ id, type, data: { made } }) };
}

export const done: Verdict = { kind: 'done' };

/** A promise that the test settles. */
export function gate(): { opened: Promise<void>; open(): void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

export interface Recorder {
  /** Everything `handle` was called with, in order. */
  batches: Delivery[][];
  readonly deliveries: Delivery[];
  /** When each call of `handle` began, in epoch milliseconds. */
  times: number[];
  probes: number;
}

/** Subscribes, and records what comes; `decide` answers for one delivery (default: done). */
export async function record(
  bus: EventBus,
  subscription: Pick<Subscription, 'service' | 'types' | 'batchSize' | 'prefetch' | 'watch'>,
  decide: (delivery: Delivery, batch: readonly Delivery[]) => Verdict | Promise<Verdict> = () => done,
): Promise<Recorder> {
  const recorder: Recorder = {
    batches: [],
    times: [],
    probes: 0,
    get deliveries() {
      return this.batches.flat();
    },
  };
  await bus.subscribe({
    ...subscription,
    async handle(batch) {
      recorder.batches.push([...batch]);
      recorder.times.push(Date.now());
      return Promise.all(batch.map((delivery) => decide(delivery, batch)));
    },
    async probe() {
      recorder.probes += 1;
    },
  });
  return recorder;
}
