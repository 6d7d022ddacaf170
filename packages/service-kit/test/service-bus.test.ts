import { describe, expect, it } from '@jest/globals';
import type { Delivery, EventBus, Subscription } from '@warren/event-bus';
import { ServiceBus } from '../src/service/service-bus.js';

/** Hands out deliveries by hand. */
class HandBus implements EventBus {
  readonly state = 'up';
  readonly published: string[] = [];
  closed = false;
  subscription: Subscription | undefined;

  async publish({ id }: { id: string }) {
    this.published.push(id);
    return 'confirmed' as const;
  }
  async subscribe(subscription: Subscription) {
    this.subscription = subscription;
  }
  async close() {
    this.closed = true;
  }
}

const delivery: Delivery = { id: 'e1', type: 'user.updated', body: '{}', attempt: 1, redelivered: false };

describe('ServiceBus', () => {
  async function subscribed(owned: boolean) {
    const inner = new HandBus();
    const bus = new ServiceBus(inner, owned);
    let finish = () => {};
    let handled = 0;
    await bus.subscribe({
      service: 'user',
      types: ['user.updated'],
      probe: async () => {},
      handle: async (batch) => {
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        handled += batch.length;
        return batch.map(() => ({ kind: 'done' as const }));
      },
    });
    return { inner, bus, finish: () => finish(), handled: () => handled };
  }

  it('finishes what is in hand, refuses what comes after, and still publishes', async () => {
    const { inner, bus, finish, handled } = await subscribed(true);
    const inHand = inner.subscription?.handle([delivery]);
    const stopped = bus.stopConsuming().then(handled);
    await expect(inner.subscription?.handle([delivery])).rejects.toThrow('stopping');
    await expect(inner.subscription?.probe()).rejects.toThrow('stopping');
    finish();
    expect(await stopped).toBe(1);
    expect(await inHand).toEqual([{ kind: 'done' }]);
    expect(await bus.publish({ id: 'e2', type: 'user.updated', body: '{}' })).toBe('confirmed');
    expect(inner.published).toEqual(['e2']);
  });

  it.each([true, false])('closes the bus only if it is its own (%s)', async (owned) => {
    const { inner, bus } = await subscribed(owned);
    await bus.close();
    expect(inner.closed).toBe(owned);
  });
});
