const minuteMs = 60_000;

/**
 * Counts by key, minute after minute, in bounded memory: with too many keys within one minute, the one that has been
 * quiet for longest is forgotten. Whoever asks again and again is never that one.
 */
export class MinuteCounts {
  readonly #mostKeys: number;
  readonly #now: () => number;
  #counts = new Map<string, number>();
  #endsAt = 0;

  /** `now`: milliseconds of a clock that only goes forward. */
  constructor(now: () => number, mostKeys = 50_000) {
    this.#mostKeys = mostKeys;
    this.#now = now;
  }

  get size(): number {
    return this.#counts.size;
  }

  /** Counts one more. With more than `most` within the minute, answers in how many seconds the next one begins. */
  add(key: string, most: number): number | undefined {
    const now = this.#now();
    if (now >= this.#endsAt) {
      this.#counts = new Map();
      this.#endsAt = now + minuteMs;
    }
    const count = this.#counts.get(key) ?? 0;
    this.#counts.delete(key);
    if (this.#counts.size >= this.#mostKeys) this.#forgetQuietest();
    this.#counts.set(key, Math.min(count, most) + 1);
    return count < most ? undefined : Math.max(1, Math.ceil((this.#endsAt - now) / 1_000));
  }

  #forgetQuietest(): void {
    for (const key of this.#counts.keys()) {
      this.#counts.delete(key);
      return;
    }
  }
}
