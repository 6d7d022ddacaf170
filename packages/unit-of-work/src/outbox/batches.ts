/** A batch of this size is sent without waiting for more events. */
const maxBatch = 200;

/**
 * Gathers committed events into batches while earlier events are unconfirmed: a batch costs the broker one write, one
 * confirm and one round of its consumers. The relay flushes at once when nothing is in flight.
 */
export class Batches<Event> {
  readonly #send: (batch: Event[]) => void;
  readonly #gatherMs: number;
  #gathered: Event[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** `gatherMs`: how long an event waits at most. */
  constructor(gatherMs: number, send: (batch: Event[]) => void) {
    this.#gatherMs = gatherMs;
    this.#send = send;
  }

  add(events: readonly Event[]): void {
    this.#gathered.push(...events);
    if (this.#gathered.length >= maxBatch) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), this.#gatherMs);
  }

  /** Sends what is gathered, in the order in which it was added. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#gathered.length === 0) return;
    const batch = this.#gathered;
    this.#gathered = [];
    this.#send(batch);
  }
}
