/** Longer than the memory bus retries: 1 s + 5 s + 30 s + 2 min + 10 min. */
const longestHoldMs = 30 * 60_000;

/**
 * The events that a bus has been given and not answered yet. Those past the confirm time-out are `late`: they
 * count as not confirmed and no longer take room, but are remembered, since the memory bus may hold an event
 * for minutes, until its subscribers have committed it.
 */
export class InFlight {
  readonly #confirmMs: number;
  /** Id to the time of its publish; in that order, since a map keeps the order of insertion. */
  readonly #open = new Map<string, number>();
  readonly #late = new Map<string, number>();
  #onDrained: (() => void) | undefined;

  constructor(confirmMs: number) {
    this.#confirmMs = confirmMs;
  }

  get open(): number {
    return this.#open.size;
  }

  get late(): number {
    return this.#late.size;
  }

  /** False if the bus holds this event already. */
  add(id: string): boolean {
    if (this.#open.has(id) || this.#late.has(id)) return false;
    this.#open.set(id, Date.now());
    return true;
  }

  remove(id: string): void {
    this.#open.delete(id);
    this.#late.delete(id);
    if (this.#open.size === 0) this.#onDrained?.();
  }

  /** Moves what has waited too long; what a bus never answers is forgotten in the end, and published anew. */
  sweep(now = Date.now()): void {
    for (const [id, since] of this.#open) {
      if (now - since < this.#confirmMs) break;
      this.#open.delete(id);
      this.#late.set(id, since);
    }
    for (const [id, since] of this.#late) {
      if (now - since < longestHoldMs) break;
      this.#late.delete(id);
    }
  }

  ids(): string[] {
    return [...this.#open.keys(), ...this.#late.keys()];
  }

  /** Resolves when nothing is open, at the latest after `withinMs`. */
  drained(withinMs: number): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#onDrained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
