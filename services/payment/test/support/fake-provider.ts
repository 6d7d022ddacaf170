import type { Operation, OperationKind, Outcome } from '../../src/domain/operation.js';
import type { PaymentProvider } from '../../src/providers/provider.js';

/**
 * A provider that stores operations, like a real one: it outlives the processes that call it. It performs each
 * operation once, and counts the operations that it performed.
 */
export class FakeProvider implements PaymentProvider {
  readonly name = 'sandbox';
  readonly done = new Map<string, Outcome>();
  /** Ids of the payments whose operations were asked for. */
  readonly asked: string[] = [];
  readonly outcomes: Record<OperationKind, Outcome> = {
    charge: { to: 'succeeded' },
    confirm: { to: 'succeeded' },
    cancel: { to: 'canceled' },
    refund: { to: 'succeeded' },
  };
  beforeAnswering: (operation: Operation) => Promise<void> = async () => undefined;
  /** Runs before the money moves. An error means that the call never arrived. */
  beforeMove: (signal: AbortSignal) => Promise<void> = async () => undefined;
  /** Runs after the money moved. An error means that the answer was lost. */
  afterMove: (signal: AbortSignal) => Promise<void> = async () => undefined;
  /** How many operations were performed. */
  moves = 0;

  accepts(paymentMethod: string): boolean {
    return paymentMethod.startsWith('pm_');
  }

  async perform(operation: Operation, signal: AbortSignal): Promise<Outcome> {
    await this.beforeMove(signal);
    const outcome = this.done.get(operation.id) ?? this.#move(operation);
    await this.afterMove(signal);
    return outcome;
  }

  async retrieve(operation: Operation): Promise<Outcome | undefined> {
    this.asked.push(operation.paymentId);
    await this.beforeAnswering(operation);
    return this.done.get(operation.id);
  }

  #move(operation: Operation): Outcome {
    this.moves += 1;
    const outcome = this.outcomes[operation.kind];
    this.done.set(operation.id, outcome);
    return outcome;
  }
}
