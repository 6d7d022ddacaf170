import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { backOffDelay, within } from '@warren/amqp-link';
import type { Logger } from 'pino';
import type { IntakeLimits } from './limits.js';
import type { Delivery, Subscription, Verdict } from './port.js';

/** Between two probes of a service that can't work, in milliseconds. */
const probeBackOff = { firstMs: 200, maxMs: 10_000 };
const probeTimeoutMs = 30_000;
/** Longest time in milliseconds that a busy delivery is held before it is postponed. */
const longestBusyMs = 30_000;

export interface Held {
  delivery: Delivery;
  /** The bus has taken it back, for instance because its channel was lost: it comes again by another way. */
  gone: boolean;
  /** What shall become of it, where the bus knows without asking the handler. */
  readonly decided?: Verdict;
}

/** What the bus is to do with a delivery. `postpone`: it comes again after a delay, and no attempt is counted. */
export type Settlement = Exclude<Verdict, { kind: 'busy' }> | { kind: 'postpone'; error: Error };

export interface IntakeOptions<H extends Held> {
  subscription: Pick<Subscription, 'handle' | 'probe'>;
  limits: IntakeLimits;
  /** Carries the settlements out. Resolves when the next batch may be handled; never rejects. */
  settle(batch: readonly H[], settlements: readonly Settlement[]): Promise<void>;
  /** The service can work again after a pause. */
  onResumed?(): void;
  log: Logger | undefined;
}

/** A delivery for which others hold what it needs. */
interface Busy<H> {
  held: H;
  error: Error;
  /** When it was first busy here, by `performance.now()`. */
  since: number;
}

/**
 * Between a bus and a handler: gathers what arrives into batches, calls the handler one batch at a time, and holds
 * still while the service's infrastructure is away. What it holds is bounded by whoever pushes.
 *
 * Busy deliveries wait beside the batches, in patient calls of their own, so that they hold up nobody else. They fill
 * at most half of what may be held: where more wait in vain, all of them are postponed.
 */
export class Intake<H extends Held> {
  readonly #options: IntakeOptions<H>;
  readonly #waiting: H[] = [];
  readonly #busy: Busy<H>[] = [];
  readonly #mostBusy: number;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #waitingPatiently: Promise<void> | undefined;
  /** The patient call of this moment, its deliveries settled or put back. */
  #patientRound: Promise<void> | undefined;
  #pausing: Promise<void> | undefined;

  constructor(options: IntakeOptions<H>) {
    this.#options = options;
    this.#mostBusy = Math.ceil(options.limits.prefetch / 2);
  }

  /** True while the service can't work and `probe` is asked. */
  get paused(): boolean {
    return this.#pausing !== undefined;
  }

  get closed(): boolean {
    return this.#stop.signal.aborted;
  }

  push(held: H): void {
    if (this.closed) return;
    this.#waiting.push(held);
    this.#running ??= this.#run();
  }

  /** Hands out nothing more and waits for what is being handled; rejects if that takes longer than `withinMs`. */
  async close(withinMs: number): Promise<void> {
    this.#stop.abort();
    this.#waiting.length = 0;
    this.#busy.length = 0;
    const open = Promise.all([this.#running, this.#waitingPatiently]);
    await within(withinMs, open, 'a batch was still being handled');
  }

  /** Waits; closing cuts it short. */
  async sleep(ms: number): Promise<void> {
    try {
      await pause(ms, undefined, { signal: this.#stop.signal });
    } catch {
      // Closing wakes whoever waits.
    }
  }

  async #run(): Promise<void> {
    // Deliveries come one by one: a turn of the event loop lets those that arrived together become one batch.
    await nextTurn();
    while (this.#waiting.length > 0 && !this.closed) {
      const batch = this.#waiting.splice(0, this.#options.limits.batchSize).filter((held) => !held.gone);
      const busy = await this.#work(batch, false);
      this.#keepBusy(busy.map((each) => ({ ...each, since: performance.now() })));
      while (this.#busy.length >= this.#mostBusy && !this.closed) await this.#patientRound;
    }
    this.#running = undefined;
  }

  #keepBusy(busy: readonly Busy<H>[]): void {
    if (busy.length === 0 || this.closed) return;
    this.#busy.push(...busy);
    this.#waitingPatiently ??= this.#waitPatiently();
  }

  async #waitPatiently(): Promise<void> {
    while (this.#busy.length > 0 && !this.closed) {
      this.#patientRound = this.#workPatiently();
      await this.#patientRound;
    }
    this.#waitingPatiently = undefined;
  }

  /** One patient call. The one that it waited for goes to the end, so that the next call waits for another one. */
  async #workPatiently(): Promise<void> {
    const taken = this.#busy.slice(0, this.#options.limits.batchSize);
    const since = new Map(taken.map((each) => [each.held, each.since]));
    const batch = taken.map(({ held }) => held).filter((held) => !held.gone);
    const still = (await this.#work(batch, true)).map((each) => ({
      ...each,
      since: since.get(each.held) ?? performance.now(),
    }));
    const [first] = still;
    if (first && first.held === batch[0]) still.push(...still.splice(0, 1));
    const now = performance.now();
    const inVain = still.length === taken.length && this.#busy.length >= this.#mostBusy;
    const tooLong = still.filter((each) => inVain || now - each.since > longestBusyMs);
    this.#busy.splice(0, taken.length);
    this.#busy.push(...still.filter((each) => !tooLong.includes(each)));
    await this.#options.settle(
      tooLong.map(({ held }) => held),
      tooLong.map(({ error }) => ({ kind: 'postpone', error })),
    );
  }

  /** Answers those that are busy, in order. */
  async #work(taken: readonly H[], patient: boolean): Promise<Omit<Busy<H>, 'since'>[]> {
    let batch = taken;
    for (let failures = 0; batch.length > 0; failures += 1) {
      const verdicts = await this.#handle(batch, patient);
      if (verdicts) return this.#settle(batch, verdicts);
      await this.#pause(failures);
      if (this.closed) return [];
      batch = batch.filter((held) => !held.gone);
    }
    return [];
  }

  async #settle(batch: readonly H[], verdicts: readonly Verdict[]): Promise<Omit<Busy<H>, 'since'>[]> {
    const busy: Omit<Busy<H>, 'since'>[] = [];
    const settled: H[] = [];
    const settlements: Settlement[] = [];
    for (const [index, held] of batch.entries()) {
      const verdict = verdicts[index];
      if (verdict?.kind === 'busy') busy.push({ held, error: verdict.error });
      else if (verdict) {
        settled.push(held);
        settlements.push(verdict);
      }
    }
    if (settled.length > 0) await this.#options.settle(settled, settlements);
    return busy;
  }

  /** Undefined where the infrastructure failed: nothing was decided about any delivery. */
  async #handle(batch: readonly H[], patient: boolean): Promise<readonly Verdict[] | undefined> {
    const { subscription, log } = this.#options;
    const open = batch.filter((held) => !held.decided).map((held) => held.delivery);
    try {
      const verdicts = open.length > 0 ? await subscription.handle(open, { patient }) : [];
      if (verdicts.length === open.length && verdicts.every(Boolean)) return inOrder(batch, verdicts);
      log?.error(
        { deliveries: open.length, verdicts: verdicts.length },
        'handler gave a wrong number of verdicts; pausing',
      );
    } catch (error) {
      log?.error({ err: error }, 'handling failed for want of infrastructure; pausing');
    }
    return undefined;
  }

  /** One pause for all who need it. `failures`: so often in a row has the same batch failed, each time after a probe. */
  #pause(failures: number): Promise<void> {
    this.#pausing ??= this.#probeUntilBack(failures).finally(() => {
      this.#pausing = undefined;
      if (!this.closed) this.#options.onResumed?.();
    });
    return this.#pausing;
  }

  async #probeUntilBack(failures: number): Promise<void> {
    for (let attempt = failures; !this.closed; attempt += 1) {
      await this.sleep(backOffDelay(attempt, probeBackOff));
      if (this.closed || (await this.#probe())) return;
    }
  }

  async #probe(): Promise<boolean> {
    try {
      await within(probeTimeoutMs, this.#options.subscription.probe(), 'the probe gave no answer');
      this.#options.log?.info('infrastructure is back; taking again');
      return true;
    } catch (error) {
      this.#options.log?.warn({ err: error }, 'infrastructure is still away');
      return false;
    }
  }
}

/** One verdict for each held delivery: its own where it was decided, else the next of the handler's. */
function inOrder(batch: readonly Held[], verdicts: readonly Verdict[]): Verdict[] {
  const given = verdicts.values();
  return batch.map((held) => held.decided ?? (given.next().value as Verdict));
}
