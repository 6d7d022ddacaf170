import { setTimeout as delay } from 'node:timers/promises';
import type { Operation } from '../domain/operation.js';
import type { Outcome, PaymentProvider } from './provider.js';

export interface SandboxOptions {
  /** How long `pm_card_slow` takes from the operation's creation on, in milliseconds. */
  slowMs: number;
}

const outcomes: Readonly<Record<string, (operation: Operation) => Outcome>> = {
  pm_card_visa: () => ({ to: 'succeeded' }),
  pm_card_chargeDeclined: () => ({ to: 'failed', failureCode: 'card_declined' }),
  pm_card_authenticationRequired: ({ id }) => ({
    to: 'requires_action',
    nextAction: { type: 'sandbox_authenticate' },
    clientSecret: `sandbox_secret_${id}`,
  }),
  pm_card_slow: () => ({ to: 'succeeded' }),
};

/**
 * A provider without money and without memory: what becomes of an operation follows from the operation alone,
 * so that `retrieve` answers the same after a crash of whatever process.
 */
export function sandboxProvider({ slowMs }: SandboxOptions): PaymentProvider {
  const settlesIn = ({ paymentMethod, createdAt }: Operation) =>
    paymentMethod === 'pm_card_slow' ? Math.max(0, createdAt.getTime() + slowMs - Date.now()) : 0;
  return {
    accepts: (paymentMethod) => Object.hasOwn(outcomes, paymentMethod),
    async charge(operation, signal) {
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
  const outcome = outcomes[operation.paymentMethod];
  if (outcome === undefined) throw new Error(`The sandbox has no method ${operation.paymentMethod}`);
  return outcome(operation);
}
