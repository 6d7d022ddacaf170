import { setTimeout as sleep } from 'node:timers/promises';

/** Makes one payment, and resolves to the time of its arrival. */
type Pay = () => Promise<number>;

/** If more payments than this are pending, the system can't keep up with the rate. */
const maxPending = 5_000;
/** How long the pending events may take after the last one was sent. */
export const arrivalTimeoutMs = 30_000;

/**
 * Sends at a fixed rate, independent of the answers, and measures each latency in milliseconds from the time at which
 * the payment was *due*. A stall therefore counts against every payment that was due in it.
 */
export async function openLoop(pay: Pay, rate: number, seconds: number): Promise<number[]> {
  const latencies: number[] = [];
  const pending = new Set<Promise<void>>();
  const failed = firstFailure();
  const start = performance.now();
  for (let sent = 0; sent < rate * seconds; sent += 1) {
    const due = start + (sent * 1000) / rate;
    await waitUntil(due);
    failed.check();
    if (pending.size >= maxPending) throw new Error(`the system can't keep up with ${rate} events/s`);
    const one = pay()
      .then((arrivedAt) => void latencies.push(arrivedAt - due))
      .catch(failed.record)
      .finally(() => pending.delete(one));
    pending.add(one);
  }
  await withArrivalTimeout(Promise.all(pending), () => `${pending.size} events did not arrive`);
  failed.check();
  return latencies;
}

/**
 * Keeps `concurrency` payments pending for `seconds`, each from its POST to its arrival, then waits for the last ones.
 * `elapsedMs` ends with the last arrival.
 */
export async function closedLoop(
  pay: Pay,
  concurrency: number,
  seconds: number,
): Promise<{ events: number; elapsedMs: number }> {
  const start = performance.now();
  const end = start + seconds * 1000;
  let events = 0;
  let lastArrival = start;
  const worker = async () => {
    while (performance.now() < end) {
      lastArrival = Math.max(lastArrival, await pay());
      events += 1;
    }
  };
  const workers = Promise.all(Array.from({ length: concurrency }, worker));
  await withArrivalTimeout(workers, () => 'some events did not arrive', seconds * 1000);
  return { events, elapsedMs: lastArrival - start };
}

async function waitUntil(due: number): Promise<void> {
  const wait = due - performance.now();
  if (wait > 0) await sleep(wait);
}

function firstFailure() {
  let failure: unknown;
  return {
    record: (error: unknown) => {
      failure ??= error;
    },
    check: () => {
      if (failure) throw failure;
    },
  };
}

async function withArrivalTimeout<T>(work: Promise<T>, problem: () => string, extraMs = 0): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    const giveUp = () => reject(new Error(`${problem()} within ${arrivalTimeoutMs} ms`));
    timer = setTimeout(giveUp, extraMs + arrivalTimeoutMs);
  });
  return Promise.race([work, timeout]).finally(() => clearTimeout(timer));
}
