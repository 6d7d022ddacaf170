/** A burst that has so many events goes without waiting for more. */
const mostGathered = 200;

/**
 * Gathers events while earlier ones are on their way: what travels together costs the broker one write, its
 * confirm and its consumers one round. Where nothing is on its way, nothing waits.
 */
export class Bursts<Event> {
  readonly #send: (burst: Event[]) => void;
  readonly #longestMs: number;
  #gathered: Event[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** `longestMs`: so long an event waits at most, whatever becomes of those before it. */
  constructor(longestMs: number, send: (burst: Event[]) => void) {
    this.#longestMs = longestMs;
    this.#send = send;
  }

  add(events: readonly Event[]): void {
    this.#gathered.push(...events);
    if (this.#gathered.length >= mostGathered) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), this.#longestMs);
  }

  /** Sends what is gathered, in the order in which it came. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#gathered.length === 0) return;
    const burst = this.#gathered;
    this.#gathered = [];
    this.#send(burst);
  }
}
