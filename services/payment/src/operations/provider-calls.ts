import { AppError } from '@warren/contracts';
import { aborted, withFallback } from '@warren/timing';
import type { PaymentContext } from '../context.js';
import type { Operation, Outcome } from '../domain/operation.js';
import type { PaymentProvider } from '../providers/provider.js';
import { postponeOperation } from '../store/operations.js';
import { type Durations, retryDelay } from './durations.js';
import { type Settled, settle } from './settle.js';

/** `again`: an earlier call may have reached the provider, so the provider is asked for the outcome first. */
export type Attempt = 'first' | 'again';

/** The provider calls that this instance is making: at most one for each operation, and each with a time-out. */
export interface ProviderCalls {
  /**
   * Runs a function that reserves an operation. It counts as a call, because a call follows it.
   *
   * @throws AppError `service-overloaded`, before the function starts, if this instance makes too many calls
   */
  admitted<T>(reserve: () => Promise<T>): Promise<T>;
  /** Calls the provider and settles. Never rejects. `undefined` if the outcome is unknown: the operation stays open. */
  run(operation: Operation, attempt: Attempt): Promise<Settled | undefined>;
  /** The call that this instance is making for an operation. */
  running(operationId: string): Promise<Settled | undefined> | undefined;
  /**
   * Waits for the calls as long as a request may take, then aborts them. A sweeper of another instance finds their
   * operations. Requests that arrive in the meantime are served, with calls that end within `answerWithinMs`.
   */
  stop(): Promise<void>;
}

type Dependencies = Pick<PaymentContext, 'client' | 'uow' | 'log'> & {
  provider: PaymentProvider;
  durations: Durations;
};

const mostCalls = 1_000;
/** From this attempt on, about a quarter of an hour after the first one, a failure is logged as an error. */
const attemptsBeforeError = 10;

export function providerCalls({ client, uow, log, provider, durations }: Dependencies): ProviderCalls {
  let stopping = false;
  let reserving = 0;
  const underWay = new Map<string, { done: Promise<Settled | undefined>; cut: AbortController }>();

  function run(operation: Operation, attempt: Attempt): Promise<Settled | undefined> {
    const earlier = underWay.get(operation.id);
    if (earlier !== undefined) return earlier.done;
    const cut = new AbortController();
    const done = callAndSettle(operation, attempt, cut).finally(() => underWay.delete(operation.id));
    underWay.set(operation.id, { done, cut });
    return done;
  }

  async function callAndSettle(
    operation: Operation,
    attempt: Attempt,
    cut: AbortController,
  ): Promise<Settled | undefined> {
    const { id: operationId, paymentId, kind } = operation;
    let reference: string | undefined;
    try {
      const outcome = await bounded(cut, () => ask(operation, attempt, cut.signal));
      if (outcome.to !== 'pending') return await settle(uow, operation, outcome);
      reference = outcome.reference;
    } catch (error) {
      const level = operation.attempts < attemptsBeforeError ? 'warn' : 'error';
      log[level](
        { err: error, operationId, paymentId, kind },
        'the outcome of a provider call is unknown; it will be asked for later',
      );
    }
    try {
      await postponeOperation(client, operation, retryDelay(operation.attempts), reference);
    } catch (error) {
      log.warn(
        { err: error, operationId, paymentId, kind },
        'an operation was not postponed; it is due again when its lease expires',
      );
    }
    return undefined;
  }

  async function ask(operation: Operation, attempt: Attempt, signal: AbortSignal): Promise<Outcome> {
    const earlier = attempt === 'again' ? await provider.retrieve(operation, signal) : undefined;
    return earlier ?? (await provider.perform(operation, signal));
  }

  /** Ends at the time-out even if the provider ignores the signal. */
  async function bounded<T>(cut: AbortController, call: () => Promise<T>): Promise<T> {
    const limitMs = stopping ? durations.answerWithinMs : durations.providerTimeoutMs;
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
      await withFallback(ends(), durations.answerWithinMs, undefined);
      for (const { cut } of underWay.values()) cut.abort(new Error('The service is stopping'));
      await ends();
    },
  };
}
