import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually, gate } from '@warren/testing';
import { createMemoryEventBus, type MemoryEventBus, PublishError } from '../src/index.js';
import { conformanceRetryDelays } from './conformance/rule.js';
import { describeEventBus } from './conformance.js';
import { done, eventOf, record } from './support/recorder.js';

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
    crash: 'the bus ends with its process; the outbox publishes again',
    duplicates: 'an id that is in flight is not sent twice',
    confirmsBeforeHandling: 'an event that was not handled was not confirmed; the outbox publishes it again',
  },
});

describe('memory event bus', () => {
  const type = 'thing.happened';
  let bus: MemoryEventBus;
  afterEach(() => bus.close());

  /** Whether a promise has settled. */
  async function settled(promise: Promise<unknown>): Promise<boolean> {
    const pending = Symbol('pending');
    return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
  }

  it('confirms an event only when every service has committed it, even after retries', async () => {
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

  it('reports an event as unroutable if it is published before a service has subscribed', async () => {
    bus = createMemoryEventBus();
    await expect(bus.publish(eventOf(type))).resolves.toBe('unroutable');
  });

  it('keeps events for a service that subscribes later if its queue is bound from the start', async () => {
    bus = createMemoryEventBus({ queues: { late: [type] } });
    const event = eventOf(type);
    const publishing = bus.publish(event);
    const late = await record(bus, { service: 'late', types: [type] });
    await expect(publishing).resolves.toBe('confirmed');
    expect(late.deliveries.map(({ id }) => id)).toEqual([event.id]);
  });

  it('keeps events that a closed subscription has not handled for the next one', async () => {
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

  it('delivers an id once if it is published again while in flight', async () => {
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
    // After the confirm the same id is delivered again. Consumers keep an inbox.
    await bus.publish(event);
    expect(seen.deliveries).toHaveLength(2);
  });

  it('rejects an event that a service gave up, confirms others, and delivers it when it is published again', async () => {
    bus = createMemoryEventBus();
    const [event, other] = [eventOf(type), eventOf(type)];
    let isFixed = false;
    const seen = await record(bus, { service: 'a', types: [type] }, ({ id }) =>
      id === other.id || isFixed
        ? done
        : { kind: 'dead', reason: 'permanent', error: new Error('no such currency') },
    );
    const [dead, beside] = await Promise.allSettled([bus.publish(event), bus.publish(other)]);
    expect(dead).toMatchObject({
      reason: { kind: 'refused', message: 'a gave the event up after 1 attempts: permanent' },
    });
    expect(beside).toMatchObject({ value: 'confirmed' });
    isFixed = true;
    expect(await bus.publish(event)).toBe('confirmed');
    expect(seen.deliveries).toHaveLength(3);
  });

  it('rejects events that wait for a retry when it is closed', async () => {
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

  it('lets callers of publish wait while maxInFlight events are in flight', async () => {
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
