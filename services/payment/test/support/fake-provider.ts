import type { Operation } from '../../src/domain/operation.js';
import type { Outcome, PaymentProvider } from '../../src/providers/provider.js';

/**
 * A provider with a memory of its own, as a real one has: it outlives the processes that call it. Charges once per
 * operation and counts the money that moved.
 */
export class FakeProvider implements PaymentProvider {
  readonly charged = new Map<string, Outcome>();
  /** Of which payments somebody asked what became of them. */
  readonly asked: string[] = [];
  outcome: Outcome = { to: 'succeeded' };
  beforeAnswering: (operation: Operation) => Promise<void> = async () => undefined;
  /** Runs before the money moves; a throw here is a call that never arrived. */
  beforeCharge: (signal: AbortSignal) => Promise<void> = async () => undefined;
  /** Runs after the money moved; a throw here is an answer that got lost. */
  afterCharge: (signal: AbortSignal) => Promise<void> = async () => undefined;
  /** How often money moved: more than once for one operation would be the disaster. */
  moves = 0;

  accepts(paymentMethod: string): boolean {
    return paymentMethod.startsWith('pm_');
  }

  async charge(operation: Operation, signal: AbortSignal): Promise<Outcome> {
    await this.beforeCharge(signal);
    const outcome = this.charged.get(operation.id) ?? this.#move(operation);
    await this.afterCharge(signal);
    return outcome;
  }

  async retrieve(operation: Operation): Promise<Outcome | undefined> {
    this.asked.push(operation.paymentId);
    await this.beforeAnswering(operation);
    return this.charged.get(operation.id);
  }

  #move(operation: Operation): Outcome {
    this.moves += 1;
    this.charged.set(operation.id, this.outcome);
    return this.outcome;
  }
}
