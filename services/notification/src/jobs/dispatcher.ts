import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { Background } from '@warren/service-kit';
import { jittered } from '@warren/timing';
import type { TakenDelivery } from '../domain/delivery.js';
import type { Channel } from '../operations/channels.js';
import type { Deliveries, DeliveryTiming } from '../operations/deliver.js';

interface Dependencies {
  channel: Channel;
  deliveries: Deliveries;
  timing: Pick<DeliveryTiming, 'pollMs' | 'stopMs'>;
}

/**
 * Sends the deliveries of one channel when they are due. Each channel has its own dispatcher, so that no channel delays
 * another. Any number of instances dispatch at the same time: leases keep them apart, and a delivery of a crashed
 * instance is sent when its lease ends.
 */
export function dispatcher({ channel, deliveries, timing }: Dependencies): Background {
  const stopping = new AbortController();
  const cut = new AbortController();
  let waiting = new AbortController();
  setMaxListeners(channel.concurrency, cut.signal);
  const underWay = new Map<TakenDelivery, Promise<void>>();
  let dispatching: Promise<void> = Promise.resolve();

  async function dispatchUntilStopped(): Promise<void> {
    while (!stopping.signal.aborted) {
      const free = channel.concurrency - underWay.size;
      const taken = free > 0 ? await deliveries.take(free, underWay.keys()) : [];
      for (const delivery of taken) start(delivery);
      // If something was taken, more may be due: one take gives each person only one delivery.
      if (taken.length === 0) await deliveryOrPoll(jittered(timing.pollMs));
    }
  }

  function start(delivery: TakenDelivery): void {
    const done = deliveries.deliver(delivery, cut.signal).finally(() => underWay.delete(delivery));
    underWay.set(delivery, done);
  }

  /** Waits until a delivery under way ends, or until the next poll is due. */
  async function deliveryOrPoll(ms: number): Promise<void> {
    if (stopping.signal.aborted) return;
    waiting = new AbortController();
    const timer = pause(ms, undefined, { signal: waiting.signal }).catch(() => undefined);
    await Promise.race([timer, ...underWay.values()]);
    waiting.abort();
    await timer;
  }

  return {
    name: `${channel.name}-dispatcher`,
    start() {
      dispatching = dispatchUntilStopped();
    },
    async stop() {
      stopping.abort();
      waiting.abort();
      const cutOff = setTimeout(() => cut.abort(new Error('the service is stopping')), timing.stopMs);
      await dispatching;
      await Promise.all(underWay.values());
      clearTimeout(cutOff);
      await channel.close();
    },
  };
}
