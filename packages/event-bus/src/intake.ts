import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { backOffMs, fullyJittered, withDeadline } from '@warren/timing';
import type { Logger } from 'pino';
import type { Delivery, Subscription, Verdict } from './port.js';
import { requireWhole } from './validation.js';

/** Delays between probes of a service that can't work, and between attempts to move a delivery. With full jitter. */
export const retryBackOff = { firstMs: 200, maxMs: 10_000 };
const probeTimeoutMs = 30_000;
/** Milliseconds that a busy delivery is held before it is postponed. */
const maxBusyMs = 30_000;

/** A delivery that a bus has handed to an intake. */
export interface Held {
  delivery: Delivery;
  /** Set when the bus has taken it back, for example because its channel was lost. It is delivered again. */
  gone: boolean;
  /** The verdict, if the bus knows it without asking the handler. */
  readonly decided?: Verdict;
}

/** What the bus has to do with a delivery. `postpone`: deliver it again after a delay, without counting an attempt. */
export type Settlement = Exclude<Verdict, { kind: 'busy' }> | { kind: 'postpone'; error: Error };

export interface IntakeLimits {
  batchSize: number;
  prefetch: number;
}

/** The subscription's limits, or their defaults. Throws `RangeError`. */
export function intakeLimits({ batchSize = 50, prefetch = 100 }: Subscription): IntakeLimits {
  requireWhole('batchSize', batchSize, 1);
  requireWhole('prefetch', prefetch, 1);
  if (prefetch > 65_535) throw new RangeError('prefetch must be at most 65535');
  return { batchSize: Math.min(batchSize, prefetch), prefetch };
}

export interface IntakeOptions<H extends Held> {
  subscription: Pick<Subscription, 'handle' | 'probe'>;
  limits: IntakeLimits;
  /** Carries out the settlements. Resolves when the next batch may be handled; never rejects. */
  settle(batch: readonly H[], settlements: readonly Settlement[]): Promise<void>;
  /** Called when the service can work again after a pause. */
  onResumed?(): void;
  log: Logger | undefined;
}

/** A delivery that was `busy` when it was last handled. */
interface Busy<H> {
  held: H;
  error: Error;
  /** When it was first busy, by `performance.now()`. */
  since: number;
}

/**
 * Stands between a bus and a handler. It gathers deliveries into batches, calls the handler with one batch at a time, and
 * pauses while the service's infrastructure is away. The bus must limit how many deliveries it pushes.
 *
 * Busy deliveries are retried in `patient` calls of their own, so that they don't hold up others. They may take up to half
 * of the prefetch. If more are busy and a patient call makes no progress, that call's deliveries are postponed.
 */
export class Intake<H extends Held> {
  readonly #options: IntakeOptions<H>;
  readonly #waiting: H[] = [];
  readonly #busy: Busy<H>[] = [];
  readonly #maxBusy: number;
  readonly #stop = new AbortController();
  #handling: Promise<void> | undefined;
  #retryingBusy: Promise<void> | undefined;
  /** The patient call in progress. Resolves when its deliveries are settled or busy again. */
  #patientCall: Promise<void> | undefined;
  #pausing: Promise<void> | undefined;

  constructor(options: IntakeOptions<H>) {
    this.#options = options;
    this.#maxBusy = Math.ceil(options.limits.prefetch / 2);
  }

  /** Whether the service can't work now and is probed. */
  get paused(): boolean {
    return this.#pausing !== undefined;
  }

  get closed(): boolean {
    return this.#stop.signal.aborted;
  }

  push(held: H): void {
    if (this.closed) return;
    this.#waiting.push(held);
    this.#handling ??= this.#handleAll();
  }

  /** Calls the handler no more and waits for the calls in progress; rejects if they take longer than `withinMs`. */
  async close(withinMs: number): Promise<void> {
    this.#stop.abort();
    this.#waiting.length = 0;
    this.#busy.length = 0;
    const open = Promise.all([this.#handling, this.#retryingBusy]);
    await withDeadline(open, withinMs, 'a batch was still being handled');
  }

  /** Resolves after `ms` milliseconds, or as soon as the intake is closed. */
  async sleep(ms: number): Promise<void> {
    try {
      await pause(ms, undefined, { signal: this.#stop.signal });
    } catch {
      // The intake was closed.
    }
  }

  async #handleAll(): Promise<void> {
    // Deliveries arrive one by one. After one turn of the event loop, those that arrived together are one batch.
    await nextTurn();
    while (this.#waiting.length > 0 && !this.closed) {
      const batch = this.#waiting.splice(0, this.#options.limits.batchSize).filter((held) => !held.gone);
      const busy = await this.#handleBatch(batch, false);
      this.#keepBusy(busy.map((each) => ({ ...each, since: performance.now() })));
      while (this.#busy.length >= this.#maxBusy && !this.closed) await this.#patientCall;
    }
    this.#handling = undefined;
  }

  #keepBusy(busy: readonly Busy<H>[]): void {
    if (busy.length === 0 || this.closed) return;
    this.#busy.push(...busy);
    this.#retryingBusy ??= this.#retryBusy();
  }

  async #retryBusy(): Promise<void> {
    while (this.#busy.length > 0 && !this.closed) {
      this.#patientCall = this.#callPatiently();
      await this.#patientCall;
    }
    this.#retryingBusy = undefined;
  }

  /** Makes one patient call. It waits for its first delivery, which then goes to the end if it is still busy. */
  async #callPatiently(): Promise<void> {
    const taken = this.#busy.slice(0, this.#options.limits.batchSize);
    const since = new Map(taken.map((each) => [each.held, each.since]));
    const batch = taken.map(({ held }) => held).filter((held) => !held.gone);
    const still = (await this.#handleBatch(batch, true)).map((each) => ({
      ...each,
      since: since.get(each.held) ?? performance.now(),
    }));
    const [first] = still;
    if (first && first.held === batch[0]) still.push(...still.splice(0, 1));
    const now = performance.now();
    const noProgress = still.length === taken.length && this.#busy.length >= this.#maxBusy;
    const tooLong = still.filter((each) => noProgress || now - each.since > maxBusyMs);
    this.#busy.splice(0, taken.length);
    this.#busy.push(...still.filter((each) => !tooLong.includes(each)));
    await this.#options.settle(
      tooLong.map(({ held }) => held),
      tooLong.map(({ error }) => ({ kind: 'postpone', error })),
    );
  }

  /** Handles and settles a batch, after pauses if the infrastructure fails. Returns those that are busy, in order. */
  async #handleBatch(taken: readonly H[], patient: boolean): Promise<Omit<Busy<H>, 'since'>[]> {
    let batch = taken;
    for (let failures = 0; batch.length > 0; failures += 1) {
      const verdicts = await this.#verdicts(batch, patient);
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

  /** Calls the handler. Resolves to undefined if the infrastructure failed, so that nothing was decided. */
  async #verdicts(batch: readonly H[], patient: boolean): Promise<readonly Verdict[] | undefined> {
    const { subscription, log } = this.#options;
    const undecided = batch.filter((held) => !held.decided).map((held) => held.delivery);
    try {
      const verdicts = undecided.length > 0 ? await subscription.handle(undecided, { patient }) : [];
      if (verdicts.length === undecided.length && verdicts.every(Boolean)) return inOrder(batch, verdicts);
      log?.error(
        { deliveries: undecided.length, verdicts: verdicts.length },
        'the handler returned a wrong number of verdicts; pausing',
      );
    } catch (error) {
      log?.error({ err: error }, 'the infrastructure of the handler failed; pausing');
    }
    return undefined;
  }

  /** One pause is shared by all who need it. `failures`: how often in a row the same batch has failed after a probe. */
  #pause(failures: number): Promise<void> {
    this.#pausing ??= this.#probeUntilBack(failures).finally(() => {
      this.#pausing = undefined;
      if (!this.closed) this.#options.onResumed?.();
    });
    return this.#pausing;
  }

  async #probeUntilBack(failures: number): Promise<void> {
    for (let attempt = failures + 1; !this.closed; attempt += 1) {
      await this.sleep(fullyJittered(backOffMs(attempt, retryBackOff)));
      if (this.closed || (await this.#probe())) return;
    }
  }

  async #probe(): Promise<boolean> {
    try {
      await withDeadline(this.#options.subscription.probe(), probeTimeoutMs, 'the probe gave no answer');
      this.#options.log?.info('the infrastructure is back; handling goes on');
      return true;
    } catch (error) {
      this.#options.log?.warn({ err: error }, 'the infrastructure is still away');
      return false;
    }
  }
}

/** One verdict per delivery: the one that the bus decided, or else the next one from the handler. */
function inOrder(batch: readonly Held[], verdicts: readonly Verdict[]): Verdict[] {
  const given = verdicts.values();
  return batch.map((held) => held.decided ?? (given.next().value as Verdict));
}
