interface Expected {
  recipientId: string;
  resolve(at: number): void;
}

interface Arrival {
  recipientId: string;
  at: number;
}

/**
 * Matches each accepted payment with its arrival on the recipient's socket. Times are in milliseconds as of
 * `performance.now()`.
 */
export class Ledger {
  readonly #expected = new Map<string, Expected>();
  /** Arrivals before the answer to the POST that caused them. */
  readonly #early = new Map<string, Arrival>();
  readonly #done = new Set<string>();
  readonly #faults: string[] = [];

  /** Resolves to the time of arrival. Stays pending if the event is lost. */
  arrival(paymentId: string, recipientId: string): Promise<number> {
    const early = this.#early.get(paymentId);
    if (!early) return new Promise((resolve) => this.#expected.set(paymentId, { recipientId, resolve }));
    this.#early.delete(paymentId);
    this.#finish(paymentId, recipientId, early);
    return Promise.resolve(early.at);
  }

  arrived(paymentId: string, arrival: Arrival): void {
    if (this.#done.has(paymentId) || this.#early.has(paymentId)) {
      this.#faults.push(`payment ${paymentId} arrived twice`);
      return;
    }
    const expected = this.#expected.get(paymentId);
    if (!expected) {
      this.#early.set(paymentId, arrival);
      return;
    }
    this.#expected.delete(paymentId);
    this.#finish(paymentId, expected.recipientId, arrival);
    expected.resolve(arrival.at);
  }

  /** Throws if a payment was lost, duplicated, unexpected or sent to the wrong person. Call after all arrivals. */
  verify(): void {
    const lost = [...this.#expected.keys()].map((id) => `payment ${id} never arrived`);
    const unexpected = [...this.#early.keys()].map(
      (id) => `payment ${id} arrived, but no POST was answered with it`,
    );
    const faults = [...this.#faults, ...lost, ...unexpected];
    if (faults.length > 0)
      throw new Error(`${faults.length} faults, the first: ${faults.slice(0, 3).join('; ')}`);
  }

  get completed(): number {
    return this.#done.size;
  }

  #finish(paymentId: string, recipientId: string, arrival: Arrival): void {
    this.#done.add(paymentId);
    if (arrival.recipientId === recipientId) return;
    this.#faults.push(`payment ${paymentId} reached the wrong person`);
  }
}
