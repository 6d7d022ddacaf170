import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { createMemoryEventBus, type MemoryEventBus, PublishError } from '../src/index.js';
import { conformanceRetryDelays } from './conformance/rule.js';
import { describeEventBus } from './conformance.js';
import { done, eventOf, gate, record } from './support/recorder.js';

describeEventBus({
  name: 'memory',
  async create() {
    const bus = createMemoryEventBus({ retryDelays: conformanceRetryDelays });
    return {
      connect: async () => bus,
      deadLetters: async (service) =>
        bus.deadLetters
          .filter((letter) => letter.service === service)
          .map(({ error, ...letter }) => ({ ...letter, errorMessage: error.message })),
      close: () => bus.close(),
    };
  },
  features: {
    crash: 'a crash of the process takes the bus along; the outbox publishes again',
    duplicates: 'an id that is in flight is joined, not sent twice',
    confirmsBeforeHandling: 'what is not handled was never confirmed; the outbox publishes again',
  },
});

describe('memory event bus', () => {
  const type = 'thing.happened';
  let bus: MemoryEventBus;
  afterEach(() => bus.close());

  /** How a promise stands right now. */
  async function settled(promise: Promise<unknown>): Promise<boolean> {
    const pending = Symbol('pending');
    return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
  }

  it('confirms only when every service has committed, however often one of them retries', async () => {
    bus = createMemoryEventBus({ retryDelays: [20] });
    const slow = gate();
    const fast = await record(bus, { service: 'fast', types: [type] });
    await record(bus, { service: 'slow', types: [type] }, async ({ attempt }) => {
      if (attempt === 1) return { kind: 'retry', error: new Error('not yet') };
      await slow.opened;
      return done;
    });
    const publishing = bus.publish(eventOf(type));
    await eventually(() => expect(fast.deliveries).toHaveLength(1));
    expect(await settled(publishing)).toBe(false);
    slow.open();
    await expect(publishing).resolves.toBe('confirmed');
    expect(fast.deliveries).toHaveLength(1);
  });

  it('hazard: what is published before a service has subscribed counts as wanted by nobody', async () => {
    bus = createMemoryEventBus();
    await expect(bus.publish(eventOf(type))).resolves.toBe('unroutable');
  });

  it('guard: a queue bound from the start keeps it for the service', async () => {
    bus = createMemoryEventBus({ queues: { late: [type] } });
    const event = eventOf(type);
    const publishing = bus.publish(event);
    const late = await record(bus, { service: 'late', types: [type] });
    await expect(publishing).resolves.toBe('confirmed');
    expect(late.deliveries.map(({ id }) => id)).toEqual([event.id]);
  });

  it('keeps for the next one what a subscription left unhandled', async () => {
    bus = createMemoryEventBus();
    const finish = gate();
    const handled: string[] = [];
    const first = await bus.subscribe({
      service: 'a',
      types: [type],
      batchSize: 1,
      probe: async () => {},
      async handle(batch) {
        await finish.opened;
        handled.push(...batch.map(({ id }) => id));
        return batch.map(() => done);
      },
    });
    const events = [eventOf(type), eventOf(type), eventOf(type)];
    const publishing = Promise.all(events.map((event) => bus.publish(event)));
    const leaving = first.close();
    finish.open();
    await leaving;
    const rest = events.slice(handled.length).map(({ id }) => id);
    expect(rest).not.toHaveLength(0);
    const next = await record(bus, { service: 'a', types: [type] });
    await expect(publishing).resolves.toEqual(['confirmed', 'confirmed', 'confirmed']);
    expect(next.deliveries.map(({ id }) => id)).toEqual(rest);
  });

  it('joins an id that is in flight instead of delivering it twice', async () => {
    bus = createMemoryEventBus();
    const finish = gate();
    const seen = await record(bus, { service: 'a', types: [type] }, async () => {
      await finish.opened;
      return done;
    });
    const event = eventOf(type);
    const both = [bus.publish(event), bus.publish(event)];
    finish.open();
    expect(await Promise.all(both)).toEqual(['confirmed', 'confirmed']);
    expect(seen.deliveries).toHaveLength(1);
    // Once it is confirmed, the same id is a new delivery: consumers keep an inbox.
    await bus.publish(event);
    expect(seen.deliveries).toHaveLength(2);
  });

  it('refuses what a service gave up, keeps it from nobody else, and tries anew when it is published again', async () => {
    bus = createMemoryEventBus();
    const [event, other] = [eventOf(type), eventOf(type)];
    let mended = false;
    const seen = await record(bus, { service: 'a', types: [type] }, ({ id }) =>
      id === other.id || mended
        ? done
        : { kind: 'dead', reason: 'permanent', error: new Error('no such currency') },
    );
    const [dead, beside] = await Promise.allSettled([bus.publish(event), bus.publish(other)]);
    expect(dead).toMatchObject({
      reason: { kind: 'refused', message: 'a gave the event up after 1 attempts: permanent' },
    });
    expect(beside).toMatchObject({ value: 'confirmed' });
    mended = true;
    expect(await bus.publish(event)).toBe('confirmed');
    expect(seen.deliveries).toHaveLength(3);
  });

  it('rejects what still waits for a retry when it closes', async () => {
    bus = createMemoryEventBus({ retryDelays: [600_000] });
    const seen = await record(bus, { service: 'a', types: [type] }, () => ({
      kind: 'retry',
      error: new Error('not yet'),
    }));
    const publishing = bus.publish(eventOf(type));
    await eventually(() => expect(seen.deliveries).toHaveLength(1));
    const outcome = expect(publishing).rejects.toBeInstanceOf(PublishError);
    await bus.close();
    await outcome;
  });

  it('holds at most maxInFlight and lets callers wait', async () => {
    bus = createMemoryEventBus({ maxInFlight: 2 });
    const finish = gate();
    const seen = await record(bus, { service: 'a', types: [type] }, async () => {
      await finish.opened;
      return done;
    });
    const publishing = Array.from({ length: 6 }, () => bus.publish(eventOf(type)));
    await eventually(() => expect(seen.batches).toHaveLength(1));
    expect(seen.deliveries).toHaveLength(2);
    finish.open();
    await Promise.all(publishing);
    expect(seen.batches.every((batch) => batch.length <= 2)).toBe(true);
  });
});
