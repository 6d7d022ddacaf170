import { describe, expect, it } from '@jest/globals';
import type { EventBus } from '@warren/event-bus';
import { ServiceBus } from '../src/service/broker.js';

/** A bus that records the calls. */
class NotingBus implements EventBus {
  readonly state = 'up';
  readonly publishing = 'up';
  readonly notes: string[] = [];

  async publish({ id }: { id: string }) {
    this.notes.push(`published ${id}`);
    return 'confirmed' as const;
  }
  async subscribe() {
    return { close: async () => void this.notes.push('subscription closed') };
  }
  async close() {
    this.notes.push('bus closed');
  }
}

const event = { id: 'e1', type: 'user.updated', body: '{}' };
const subscription = {
  service: 'user',
  types: ['user.updated'],
  probe: async () => {},
  handle: async () => [],
};

describe('ServiceBus', () => {
  it('can stop consuming and still publish', async () => {
    const inner = new NotingBus();
    const bus = new ServiceBus(inner, true);
    await bus.subscribe(subscription);
    await bus.stopConsuming();
    expect(await bus.publish(event)).toBe('confirmed');
    await bus.close();
    expect(inner.notes).toEqual(['subscription closed', 'published e1', 'bus closed']);
  });

  it('does not close a bus that it does not own', async () => {
    const inner = new NotingBus();
    const bus = new ServiceBus(inner, false);
    await bus.subscribe(subscription);
    await bus.close();
    expect(inner.notes).toEqual(['subscription closed']);
  });

  it('reports each event that it publishes to all services, but none for a single service', async () => {
    const reported: string[] = [];
    const bus = new ServiceBus(new NotingBus(), false, ({ id }) => void reported.push(id));
    await bus.publish(event);
    await bus.publish({ ...event, id: 'e2', to: 'payment' });
    expect(reported).toEqual(['e1']);
  });
});
