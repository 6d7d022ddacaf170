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
  realtime: Pick<RealtimeNode, 'refuse' | 'drain'>;
  bus: Pick<ServiceBus, 'stopConsuming'>;
  closing: Closing;
  drainSeconds: number;
  log: Logger;
}

/** Of the drain time, the share in which load balancers notice that this instance isn't ready any more. */
const noticeShare = 0.3;
/** The share that sockets wait at most for the deliveries in hand, before they are asked to leave all the same. */
const finishShare = 0.2;

/**
 * The way out of a running service: not ready → load balancers notice → no more upgrades → no more deliveries, those in
 * hand are finished → sockets are handed over in slots → everything else, newest first; the relay is flushed before
 * the bus closes.
 */
export function createStop(parts: StopParts): (options?: StopOptions) => Promise<void> {
  const { readiness, realtime, bus, closing, drainSeconds, log } = parts;
  const hurry = new AbortController();
  const hurried = new Promise<void>((resolve) => hurry.signal.addEventListener('abort', () => resolve()));
  const orHurry = (work: Promise<unknown>) => Promise.race([work, hurried]);
  const logged = (what: string) => (error: unknown) => log.error({ err: error }, what);
  let stopping: Promise<void> | undefined;

  async function stop(): Promise<void> {
    log.info({ drainSeconds }, 'stopping');
    readiness.startDraining();
    const window = drainSeconds * 1_000;
    const end = Date.now() + window;
    await orHurry(sleep(window * noticeShare, undefined, { ref: false }));
    realtime.refuse();
    const finished = bus.stopConsuming().catch(logged('consuming could not be ended properly'));
    await orHurry(Promise.race([finished, sleep(window * finishShare, undefined, { ref: false })]));
    const left = hurry.signal.aborted ? 0 : Math.max(0, end - Date.now());
    await orHurry(realtime.drain(left).catch(logged('sockets could not be handed over properly')));
    await finished;
    await closing.run(log);
    log.info('stopped');
  }

  return (options = {}) => {
    if (options.hurry) hurry.abort();
    stopping ??= stop();
    return stopping;
  };
}
