/** Longer than all retries of the memory bus together: 1 s + 5 s + 30 s + 2 min + 10 min. */
const forgetAfterMs = 30 * 60_000;

/**
 * The events that were given to the bus and are unconfirmed. After the confirm time-out an event is `late`: it takes no
 * more room, but is remembered, so that it isn't published a second time while the bus still holds it. The memory bus may
 * hold an event for minutes, until its subscribers have committed it.
 */
export class InFlight {
  readonly #confirmMs: number;
  /** The time of publishing by event id, oldest first. */
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

  /** Returns false if the bus already holds this event. */
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

  /** Marks events as late, and forgets those that the bus never answered, so that they are published again. */
  sweep(now = Date.now()): void {
    for (const [id, since] of this.#open) {
      if (now - since < this.#confirmMs) break;
      this.#open.delete(id);
      this.#late.set(id, since);
    }
    for (const [id, since] of this.#late) {
      if (now - since < forgetAfterMs) break;
      this.#late.delete(id);
    }
  }

  ids(): string[] {
    return [...this.#open.keys(), ...this.#late.keys()];
  }

  /** Resolves when no event waits for its confirm in time, or after `withinMs`. */
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
