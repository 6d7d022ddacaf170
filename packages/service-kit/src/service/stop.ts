import { setTimeout as sleep } from 'node:timers/promises';
import type { RealtimeNode } from '@warren/realtime';
import type { Logger } from 'pino';
import type { Readiness } from '../http/health.js';
import type { ServiceBus } from './broker.js';

/**
 * Everything that a service has opened, closed in reverse order when the service stops or its start fails half-way. Unlike
 * `AsyncDisposableStack`, which Node.js 20 lacks, it logs what can't be closed by name and never rejects.
 */
export class Closing {
  readonly #opened: { name: string; close(): Promise<unknown> }[] = [];

  add(name: string, close: () => Promise<unknown>): void {
    this.#opened.push({ name, close });
  }

  /** Closes everything, newest first. If one part fails to close, the others are still closed. Never rejects. */
  async run(log: Logger): Promise<void> {
    for (let next = this.#opened.pop(); next; next = this.#opened.pop()) {
      try {
        await next.close();
      } catch (error) {
        log.error({ err: error, part: next.name }, 'could not be closed properly');
      }
    }
  }
}

export interface StopOptions {
  /** Doesn't give load balancers and clients the time to move to other instances. Deliveries in progress are finished. */
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

/** The share of the drain time in which load balancers notice that this instance isn't ready any more. */
const noticeShare = 0.3;
/** The share of the drain time that sockets wait for deliveries in progress before they are asked to leave. */
const finishShare = 0.2;

/**
 * Returns the function that stops a service, in this order: it reports not ready, waits until load balancers notice, refuses
 * upgrades, takes no more deliveries and finishes those in progress, moves its sockets to other instances, and closes
 * everything else, newest first. The relay is flushed before the bus closes.
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

/**
 * Milliseconds in which repeated signals count as one: Ctrl-C reaches a program under npm twice, once from the terminal and
 * once from npm.
 */
const oneRequestMs = 1_000;

export interface StopSignals {
  /** Called once, for the first SIGINT or SIGTERM. */
  asked(signal: NodeJS.Signals): void;
  /** Called for each signal that comes a second or more after the first: the service should stop at once. */
  hurried(): void;
}

/** Listens for SIGINT and SIGTERM until the process ends. */
export function onStopSignals({ asked, hurried }: StopSignals): void {
  let askedAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (askedAt === undefined) {
      askedAt = now;
      asked(signal);
    } else if (now - askedAt >= oneRequestMs) {
      hurried();
    }
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}
