import { randomBytes } from 'node:crypto';
import type { Delivery, EncodedEvent, EventBus, Subscription, Verdict } from '../../src/index.js';

/** A name that no other test uses, so that tests can share a broker. */
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

export interface Recorder {
  /** The batches that `handle` was called with, in order. */
  batches: Delivery[][];
  readonly deliveries: Delivery[];
  /** When each call of `handle` began, in milliseconds since 1970. */
  times: number[];
  probes: number;
}

/** Subscribes and records what is delivered. `decide` returns the verdict for one delivery (default: done). */
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
