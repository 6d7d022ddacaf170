import { setTimeout as sleep } from 'node:timers/promises';
import type { RealtimeNode } from '@warren/realtime';
import type { Logger } from 'pino';
import type { Readiness } from '../http/health.js';
import type { Closing } from './closing.js';
import type { ServiceBus } from './service-bus.js';

export interface StopOptions {
  /** Waits for nobody who could come back elsewhere by himself. */
  hurry?: boolean;
}

export interface StopParts {
  readiness: Readiness;
  realtime: Pick<RealtimeNode, 'drain'>;
  bus: Pick<ServiceBus, 'stopConsuming'>;
  closing: Closing;
  drainSeconds: number;
  log: Logger;
}

/** Of the drain time, the share in which load balancers notice that this instance isn't ready any more. */
const noticeShare = 0.3;

/**
 * The way out of a running service: not ready → load balancers notice → no more upgrades, no more deliveries, sockets
 * handed over in slots → everything else, newest first; the relay is flushed before the bus closes.
 */
export function createStop(parts: StopParts): (options?: StopOptions) => Promise<void> {
  const { readiness, realtime, bus, closing, drainSeconds, log } = parts;
  const hurry = new AbortController();
  const hurried = new Promise<void>((resolve) => hurry.signal.addEventListener('abort', () => resolve()));
  let stopping: Promise<void> | undefined;

  async function stop(): Promise<void> {
    log.info({ drainSeconds }, 'stopping');
    readiness.startDraining();
    const notice = drainSeconds * 1_000 * noticeShare;
    if (notice > 0) await Promise.race([sleep(notice, undefined, { ref: false }), hurried]);
    const drained = realtime.drain(hurry.signal.aborted ? 0 : drainSeconds * 1_000 - notice);
    await Promise.allSettled([bus.stopConsuming(), Promise.race([drained, hurried])]);
    await closing.run(log);
    log.info('stopped');
  }

  return (options = {}) => {
    if (options.hurry) hurry.abort();
    stopping ??= stop();
    return stopping;
  };
}
