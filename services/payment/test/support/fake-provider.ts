import type { Operation, OperationKind, Outcome } from '../../src/domain/operation.js';
import type { PaymentProvider } from '../../src/providers/provider.js';

/**
 * A provider with a memory of its own, as a real one has: it outlives the processes that call it. Does each operation
 * once and counts what it did.
 */
export class FakeProvider implements PaymentProvider {
  readonly name = 'sandbox';
  readonly done = new Map<string, Outcome>();
  /** Of which payments somebody asked what became of them. */
  readonly asked: string[] = [];
  readonly outcomes: Record<OperationKind, Outcome> = {
    charge: { to: 'succeeded' },
    confirm: { to: 'succeeded' },
    cancel: { to: 'canceled' },
    refund: { to: 'succeeded' },
  };
  beforeAnswering: (operation: Operation) => Promise<void> = async () => undefined;
  /** Runs before the money moves; a throw here is a call that never arrived. */
  beforeMove: (signal: AbortSignal) => Promise<void> = async () => undefined;
  /** Runs after the money moved; a throw here is an answer that got lost. */
  afterMove: (signal: AbortSignal) => Promise<void> = async () => undefined;
  /** How often it did something: more than once for one operation would be the disaster. */
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
