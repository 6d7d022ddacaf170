interface Bucket {
  tokens: number;
  at: number;
}

/**
 * A rate limit per key: `perSecond` on average, `burst` at once.
 *
 * Keys are forgotten when their bucket is full again; beyond `maxKeys` the oldest goes, so that a flood of
 * addresses can't grow memory.
 */
export class TokenBuckets {
  readonly #buckets = new Map<string, Bucket>();
  readonly #perMs: number;
  readonly #burst: number;
  readonly #maxKeys: number;

  constructor(perSecond: number, burst: number, maxKeys = 50_000) {
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#maxKeys = maxKeys;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** False when the key has used up its rate. `now` in milliseconds. */
  take(key: string, now = Date.now()): boolean {
    const bucket = this.#buckets.get(key);
    const tokens = bucket ? this.#tokensAt(bucket, now) : this.#burst;
    if (tokens < 1) return false;
    // Re-inserted, so that the map's order is the order of last use.
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: tokens - 1, at: now });
    this.#forget(now);
    return true;
  }

  #tokensAt(bucket: Bucket, now: number): number {
    return Math.min(this.#burst, bucket.tokens + Math.max(0, now - bucket.at) * this.#perMs);
  }

  /** Looks at two keys a call: enough to keep up with one new key a call. */
  #forget(now: number): void {
    let looked = 0;
    for (const [key, bucket] of this.#buckets) {
      const full = this.#tokensAt(bucket, now) >= this.#burst;
      if (!full && this.#buckets.size <= this.#maxKeys) return;
      this.#buckets.delete(key);
      if (++looked === 2) return;
    }
  }
}
