import { AppError } from '@warren/contracts';
import { withFallback } from '@warren/timing';
import type { PaymentContext } from '../context.js';
import type { Operation, Outcome } from '../domain/operation.js';
import type { PaymentProvider } from '../providers/provider.js';
import { postponeOperation } from '../store/operations.js';
import { type Settled, settle } from './settle.js';
import { retryDelay, type Timing } from './timing.js';

/** `again`: it may have been called before, so the provider is asked what became of it first. */
export type Try = 'first' | 'again';

/** The calls to the provider that this instance has under way: one an operation, all of them bounded and owned. */
export interface ProviderCalls {
  /**
   * Runs what reserves an operation, counted like the call that is to follow it.
   *
   * @throws AppError `service-overloaded` before it starts when too many calls are under way.
   */
  admitted<T>(reserve: () => Promise<T>): Promise<T>;
  /** Calls and settles. Never rejects; `undefined` if the outcome isn't known yet: the operation stays open. */
  run(operation: Operation, attempt: Try): Promise<Settled | undefined>;
  /** The call that this instance has under way for an operation. */
  running(operationId: string): Promise<Settled | undefined> | undefined;
  /**
   * Lets calls end for as long as a request may take, then cuts them off: another instance's sweeper finds them.
   * Requests that still come are served, but no call outlives its request.
   */
  stop(): Promise<void>;
}

type Dependencies = Pick<PaymentContext, 'client' | 'uow' | 'log'> & {
  provider: PaymentProvider;
  timing: Timing;
};

const mostCalls = 1_000;
/** After so many tries, a quarter of an hour by the delays between them, somebody should look at it. */
const patientTries = 10;

export function providerCalls({ client, uow, log, provider, timing }: Dependencies): ProviderCalls {
  let stopping = false;
  let reserving = 0;
  const underWay = new Map<string, { done: Promise<Settled | undefined>; cut: AbortController }>();

  function run(operation: Operation, attempt: Try): Promise<Settled | undefined> {
    const earlier = underWay.get(operation.id);
    if (earlier !== undefined) return earlier.done;
    const cut = new AbortController();
    const done = callAndSettle(operation, attempt, cut).finally(() => underWay.delete(operation.id));
    underWay.set(operation.id, { done, cut });
    return done;
  }

  async function callAndSettle(
    operation: Operation,
    attempt: Try,
    cut: AbortController,
  ): Promise<Settled | undefined> {
    const { id: operationId, paymentId, kind } = operation;
    let reference: string | undefined;
    try {
      const outcome = await bounded(cut, () => ask(operation, attempt, cut.signal));
      if (outcome.to !== 'pending') return await settle(uow, operation, outcome);
      reference = outcome.reference;
    } catch (error) {
      const level = operation.attempts < patientTries ? 'warn' : 'error';
      log[level](
        { err: error, operationId, paymentId, kind },
        'outcome of a provider call unknown, to be asked later',
      );
    }
    try {
      await postponeOperation(client, operation, retryDelay(operation.attempts), reference);
    } catch (error) {
      log.warn(
        { err: error, operationId, paymentId, kind },
        'operation not postponed, its lease will run out',
      );
    }
    return undefined;
  }

  async function ask(operation: Operation, attempt: Try, signal: AbortSignal): Promise<Outcome> {
    const earlier = attempt === 'again' ? await provider.retrieve(operation, signal) : undefined;
    return earlier ?? (await provider.perform(operation, signal));
  }

  /** A provider that ignores the signal must not hold us either. */
  async function bounded<T>(cut: AbortController, call: () => Promise<T>): Promise<T> {
    const limitMs = stopping ? timing.answerWithinMs : timing.providerTimeoutMs;
    const timer = setTimeout(() => cut.abort(new Error('The provider gave no answer in time')), limitMs);
    try {
      return await Promise.race([call(), aborted(cut.signal)]);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    async admitted(reserve) {
      if (underWay.size + reserving >= mostCalls) throw new AppError('service-overloaded');
      reserving += 1;
      try {
        return await reserve();
      } finally {
        reserving -= 1;
      }
    },
    run,
    running: (operationId) => underWay.get(operationId)?.done,
    async stop() {
      stopping = true;
      const ends = () => Promise.all([...underWay.values()].map(({ done }) => done));
      await withFallback(ends(), timing.answerWithinMs, undefined);
      for (const { cut } of underWay.values()) cut.abort(new Error('The service is stopping'));
      await ends();
    },
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
