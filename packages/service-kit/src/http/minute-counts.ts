const minuteMs = 60_000;

/**
 * Counts by key within each minute, in bounded memory. With too many keys within one minute, the count of the key that has
 * been quiet for longest is forgotten, which is never the key of somebody who asks again and again.
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

  /** Counts one more. Beyond `most` within the minute it returns the seconds until the next minute begins. */
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
