import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { eventually, gate } from '@warren/testing';
import { brokerNames, createRabbitMqEventBus, type EventBus, PublishError } from '../src/index.js';
import { blockingProxy } from './support/blocking-proxy.js';
import { type Bench, describeOnBrokers, type ProxiedBus, proxiedBus, silent } from './support/rabbitmq.js';
import { eventOf, record, uniqueName } from './support/recorder.js';

const { eventsQueue } = brokerNames();

describeOnBrokers('the RabbitMQ event bus in an outage', (openBench) => {
  let bench: Bench;
  let service: string;
  let type: string;
  let cleanUp: Array<() => Promise<void>>;

  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());
  beforeEach(() => {
    service = uniqueName('service');
    type = uniqueName('thing.happened');
    cleanUp = [];
  });
  afterEach(async () => {
    for (const close of cleanUp.reverse()) await close();
  });

  async function open(
    ...args: Parameters<typeof proxiedBus> extends [Bench, ...infer R] ? R : never
  ): Promise<ProxiedBus> {
    const one = await proxiedBus(bench, ...args);
    cleanUp.push(one.close);
    return one;
  }

  async function publishUntilTaken(bus: EventBus): Promise<string> {
    const event = eventOf(type);
    await eventually(async () => expect(await bus.publish(event)).toBe('confirmed'));
    return event.id;
  }

  it('consumes again after its connections are cut', async () => {
    const { bus, proxy } = await open();
    const seen = await record(bus, { service, types: [type] });
    for (let round = 1; round <= 3; round += 1) {
      proxy.cut();
      const id = await publishUntilTaken(bus);
      await eventually(() => expect(seen.deliveries.map((delivery) => delivery.id)).toContain(id));
    }
    await eventually(() => expect(bus.state).toBe('up'));
  });

  it('refuses to publish at once while the broker is away, and works again afterwards', async () => {
    const { bus, proxy } = await open();
    const seen = await record(bus, { service, types: [type] });
    await publishUntilTaken(bus);
    proxy.refuse();
    await eventually(() => expect(bus.state).toBe('degraded'));
    const before = Date.now();
    await expect(bus.publish(eventOf(type))).rejects.toBeInstanceOf(PublishError);
    expect(Date.now() - before).toBeLessThan(1_000);
    proxy.resume();
    const id = await publishUntilTaken(bus);
    await eventually(() => expect(seen.deliveries.map((delivery) => delivery.id)).toContain(id));
    await eventually(() => expect(bus.state).toBe('up'));
  });

  it('starts without a broker and connects when there is one', async () => {
    const { bus, proxy } = await open({}, (away) => away.refuse());
    const seen = await record(bus, { service, types: [type] });
    expect(bus.state).toBe('degraded');
    await expect(bus.publish(eventOf(type))).rejects.toBeInstanceOf(PublishError);
    proxy.resume();
    const id = await publishUntilTaken(bus);
    await eventually(() => expect(seen.deliveries.map((delivery) => delivery.id)).toEqual([id]));
  });

  it('rejects events in flight when the connection is lost', async () => {
    const { bus, proxy } = await open();
    await record(bus, { service, types: [type] });
    proxy.stall();
    const inFlight = Array.from({ length: 5 }, () => bus.publish(eventOf(type)));
    const outcomes = Promise.allSettled(inFlight);
    proxy.cut();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(PublishError) });
    }
    proxy.resume();
    await publishUntilTaken(bus);
  });

  it('rejects events whose confirm is late, and replaces the channel before too many are overdue', async () => {
    const { bus, proxy } = await open({ confirmTimeoutMs: 300, maxInFlight: 4 });
    await record(bus, { service, types: [type] });
    proxy.stall();
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => bus.publish(eventOf(type))));
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    proxy.resume();
    await publishUntilTaken(bus);
  });

  it('is degraded and refuses to publish while the broker blocks it, and recovers', async () => {
    const proxy = await blockingProxy(bench.url);
    cleanUp.push(() => proxy.close());
    const bus = createRabbitMqEventBus({ url: proxy.url, service, log: silent });
    cleanUp.push(() => bus.close());
    await record(bus, { service, types: [type] });
    await publishUntilTaken(bus);
    proxy.block();
    await eventually(() => expect(bus.publishing).toBe('degraded'));
    expect(bus.state).toBe('degraded');
    await expect(bus.publish(eventOf(type))).rejects.toThrow('blocks publishers');
    proxy.unblock();
    await eventually(() => expect(bus.state).toBe('up'));
    await publishUntilTaken(bus);
  });

  it('consumes nothing on a new connection while the service can not work', async () => {
    const { bus, proxy } = await open();
    let broken = true;
    let asked = 0;
    let handled = 0;
    await bus.subscribe({
      service,
      types: [type],
      async handle(batch) {
        asked += 1;
        if (broken) throw new Error('the database is away');
        handled += batch.length;
        return batch.map(() => ({ kind: 'done' }) as const);
      },
      async probe() {
        if (broken) throw new Error('still away');
      },
    });
    await publishUntilTaken(bus);
    await eventually(() => expect(asked).toBe(1));
    proxy.cut();
    await publishUntilTaken(bus);
    await eventually(() => expect(bus.state).toBe('up'));
    // The broker may take long to notice that the old connection is gone.
    await eventually(
      async () => expect((await bench.raw.checkQueue(eventsQueue(service))).consumerCount).toBe(0),
      { within: 30_000 },
    );
    expect(asked).toBe(1);
    broken = false;
    await eventually(() => expect(handled).toBeGreaterThanOrEqual(2), { within: 30_000 });
  }, 90_000);

  it('closes within 25 s while the broker does not answer', async () => {
    const { bus, proxy } = await open();
    await record(bus, { service, types: [type] });
    proxy.stall();
    const before = Date.now();
    await bus.close();
    expect(Date.now() - before).toBeLessThan(25_000);
  }, 60_000);

  it('does not acknowledge on a connection that is gone', async () => {
    const { bus, proxy } = await open();
    const started = gate();
    const finish = gate();
    const seen = await record(bus, { service, types: [type] }, async () => {
      started.open();
      await finish.opened;
      return { kind: 'done' };
    });
    await publishUntilTaken(bus);
    await started.opened;
    proxy.cut();
    await eventually(() => expect(bus.state).toBe('degraded'));
    finish.open();
    await eventually(() =>
      expect(seen.deliveries.map(({ redelivered }) => redelivered)).toEqual([false, true]),
    );
  });
});
