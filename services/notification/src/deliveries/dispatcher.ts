import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { Background } from '@warren/service-kit';
import { fairShare } from '../domain/fair-share.js';
import { type TakenDelivery, takeDeliveries } from '../store/delivery-queue.js';
import { createAttempt, type Dependencies } from './attempt.js';
import type { Timing } from './timing.js';

/**
 * Sends what is due on one channel. Any number of instances do so at once; leases keep them apart, and what a crash
 * leaves is found when its lease ends. Each channel has a dispatcher of its own: none waits for another. Nor does a
 * person for another one: see `fairShare`.
 */
export function dispatcher(parts: Dependencies & { timing: Timing }): Background {
  const { client, log, channel, timing } = parts;
  const attempt = createAttempt(parts);
  const stopping = new AbortController();
  const cut = new AbortController();
  let waiting = new AbortController();
  setMaxListeners(channel.concurrency, cut.signal);
  const underWay = new Map<TakenDelivery, Promise<void>>();
  let dispatching: Promise<void> = Promise.resolve();

  async function dispatchUntilStopped(): Promise<void> {
    while (!stopping.signal.aborted) {
      const free = channel.concurrency - underWay.size;
      const taken = free > 0 ? await take(free) : [];
      for (const delivery of taken) start(delivery);
      // Whoever has had a turn may have another one now, and so may others behind them.
      if (taken.length === 0) await somethingEnds(timing.pollMs * (0.75 + Math.random() / 2));
    }
  }

  async function take(limit: number): Promise<TakenDelivery[]> {
    try {
      return await takeDeliveries(client, channel.name, {
        limit,
        leaseMs: timing.leaseMs,
        share: fairShare(underWay.keys(), channel.concurrency),
      });
    } catch (error) {
      log.warn({ err: error, channel: channel.name }, 'no deliveries could be taken, the next look is due');
      return [];
    }
  }

  function start(delivery: TakenDelivery): void {
    const done = attempt(delivery, timing.sendMs, cut.signal).finally(() => underWay.delete(delivery));
    underWay.set(delivery, done);
  }

  /** A delivery, or the wait for what becomes due. */
  async function somethingEnds(ms: number): Promise<void> {
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
