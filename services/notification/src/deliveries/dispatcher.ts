import { setTimeout as pause } from 'node:timers/promises';
import type { Background } from '@warren/service-kit';
import { type TakenDelivery, takeDeliveries } from '../store/delivery-queue.js';
import { createAttempt, type Dependencies } from './attempt.js';
import type { Timing } from './timing.js';

/**
 * Sends what is due on one channel. Any number of instances do so at once; leases keep them apart, and what a crash
 * leaves is found when its lease ends. Each channel has a dispatcher of its own: none waits for another.
 */
export function dispatcher(parts: Dependencies & { timing: Timing }): Background {
  const { client, log, channel, timing } = parts;
  const attempt = createAttempt(parts);
  const stopping = new AbortController();
  const cut = new AbortController();
  const underWay = new Set<Promise<void>>();
  let dispatching: Promise<void> = Promise.resolve();

  async function dispatchUntilStopped(): Promise<void> {
    while (!stopping.signal.aborted) {
      const free = channel.concurrency - underWay.size;
      const taken = await take(free);
      for (const delivery of taken) start(delivery);
      if (taken.length === free) await Promise.race([...underWay]);
      else await sleep(timing.pollMs * (0.75 + Math.random() / 2));
    }
  }

  async function take(limit: number): Promise<TakenDelivery[]> {
    try {
      return await takeDeliveries(client, channel.name, { limit, leaseMs: timing.leaseMs });
    } catch (error) {
      log.warn({ err: error, channel: channel.name }, 'no deliveries could be taken, the next look is due');
      return [];
    }
  }

  function start(delivery: TakenDelivery): void {
    const done = attempt(delivery, timing.sendMs, cut.signal).finally(() => underWay.delete(done));
    underWay.add(done);
  }

  async function sleep(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: stopping.signal }).catch(() => undefined);
  }

  return {
    name: `${channel.name}-dispatcher`,
    start() {
      dispatching = dispatchUntilStopped();
    },
    async stop() {
      stopping.abort();
      const cutOff = setTimeout(() => cut.abort(new Error('the service is stopping')), timing.stopMs);
      await dispatching;
      await Promise.all(underWay);
      clearTimeout(cutOff);
      await channel.close();
    },
  };
}
