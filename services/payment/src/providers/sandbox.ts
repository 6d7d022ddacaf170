import { setTimeout as delay } from 'node:timers/promises';
import type { Operation, OperationKind, Outcome } from '../domain/operation.js';
import type { PaymentProvider } from './provider.js';

export interface SandboxOptions {
  /** Milliseconds from the creation of an operation to its outcome, for `pm_card_slow` and `pm_card_pendingRefund`. */
  slowMs: number;
}

const succeeded: Outcome = { to: 'succeeded' };
const declined: Outcome = { to: 'failed', failureCode: 'card_declined' };
const authenticate = ({ id }: Operation): Outcome => ({
  to: 'requires_action',
  nextAction: { type: 'sandbox_authenticate' },
  clientSecret: `sandbox_secret_${id}`,
});

type Answer = Outcome | ((operation: Operation) => Outcome);

/** Outcomes that differ from the usual ones. Methods with a name of Stripe's behave like those of Stripe. */
const methods: Readonly<Record<string, Partial<Record<OperationKind, Answer>> & { slow?: OperationKind }>> = {
  pm_card_visa: {},
  pm_card_chargeDeclined: { charge: declined },
  pm_card_authenticationRequired: { charge: authenticate },
  pm_card_authenticationRequiredChargeDeclinedInsufficientFunds: { charge: authenticate, confirm: declined },
  pm_card_slow: { slow: 'charge' },
  pm_card_pendingRefund: { slow: 'refund' },
  pm_card_refundFail: { refund: { to: 'failed', failureCode: 'expired_or_canceled_card' } },
};

const usual: Readonly<Record<OperationKind, Outcome>> = {
  charge: succeeded,
  confirm: succeeded,
  cancel: { to: 'canceled' },
  refund: succeeded,
};

/**
 * A provider that moves no money and stores nothing. The outcome of an operation depends on the operation alone, so
 * `retrieve` gives the same answer in every process.
 */
export function sandboxProvider({ slowMs }: SandboxOptions): PaymentProvider {
  const settlesIn = (operation: Operation) =>
    methodOf(operation).slow === operation.kind
      ? Math.max(0, operation.createdAt.getTime() + slowMs - Date.now())
      : 0;
  return {
    name: 'sandbox',
    accepts: (paymentMethod) => Object.hasOwn(methods, paymentMethod),
    async perform(operation, signal) {
      signal.throwIfAborted();
      const wait = settlesIn(operation);
      if (wait > 0) await delay(wait, undefined, { signal });
      return outcomeOf(operation);
    },
    async retrieve(operation, signal) {
      signal.throwIfAborted();
      return settlesIn(operation) > 0 ? { to: 'pending' } : outcomeOf(operation);
    },
  };
}

function outcomeOf(operation: Operation): Outcome {
  const answer = methodOf(operation)[operation.kind] ?? usual[operation.kind];
  return typeof answer === 'function' ? answer(operation) : answer;
}

/** The method of an erased payer is gone; their operations have the usual outcomes. */
function methodOf({ paymentMethod }: Operation) {
  if (paymentMethod === null) return {};
  const method = Object.hasOwn(methods, paymentMethod) ? methods[paymentMethod] : undefined;
  if (method === undefined) throw new Error(`The sandbox has no method ${paymentMethod}`);
  return method;
}
