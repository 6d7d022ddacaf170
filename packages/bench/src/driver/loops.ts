import { setTimeout as sleep } from 'node:timers/promises';

/** Does one payment; resolves with the time of its arrival. */
type Pay = () => Promise<number>;

/** More than this many under way means that the system can't hold the rate. */
const mostUnderWay = 5_000;
/** How long the last events may take after the last one was sent. */
export const patienceMs = 30_000;

/**
 * Sends at a fixed rate, whatever comes back, and measures each latency (ms) from the time at which it was
 * *due*: a system that stalls pays for the requests it kept from being sent.
 */
export async function openLoop(pay: Pay, rate: number, seconds: number): Promise<number[]> {
  const latencies: number[] = [];
  const underWay = new Set<Promise<void>>();
  const failed = firstFailure();
  const start = performance.now();
  for (let sent = 0; sent < rate * seconds; sent += 1) {
    const due = start + (sent * 1000) / rate;
    await waitUntil(due);
    failed.check();
    if (underWay.size >= mostUnderWay) throw new Error(`it can't hold ${rate} events/s`);
    const one = pay()
      .then((arrivedAt) => void latencies.push(arrivedAt - due))
      .catch(failed.note)
      .finally(() => underWay.delete(one));
    underWay.add(one);
  }
  await inTime(Promise.all(underWay), () => `${underWay.size} events did not arrive`);
  failed.check();
  return latencies;
}

/**
 * Keeps `concurrency` events under way, each from its POST to its arrival, for `seconds`; then waits for those
 * still out. `elapsedMs` runs until the last arrival.
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
  await inTime(workers, () => 'some events did not arrive', seconds * 1000);
  return { events, elapsedMs: lastArrival - start };
}

async function waitUntil(due: number): Promise<void> {
  const wait = due - performance.now();
  if (wait > 0) await sleep(wait);
}

function firstFailure() {
  let failure: unknown;
  return {
    note: (error: unknown) => {
      failure ??= error;
    },
    check: () => {
      if (failure) throw failure;
    },
  };
}

async function inTime<T>(work: Promise<T>, complaint: () => string, extraMs = 0): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const giveUp = () => reject(new Error(`${complaint()} within ${patienceMs} ms`));
    timer = setTimeout(giveUp, extraMs + patienceMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
