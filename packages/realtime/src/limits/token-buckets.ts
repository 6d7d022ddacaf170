export interface Rate {
  /** Tokens that come in each second. */
  perSecond: number;
  /** Tokens that a bucket holds, so the most that can be taken at once. */
  burst: number;
}

/** A rate limit for one thing. `now` and all times are in milliseconds. */
export class TokenBucket {
  readonly #rate: Rate;
  #tokens: number;
  #updatedAt: number;

  constructor(rate: Rate, now = Date.now()) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#updatedAt = now;
  }

  /** Returns false, and takes nothing, if fewer than `cost` tokens are left. */
  take(cost = 1, now = Date.now()): boolean {
    const tokens = this.#tokensAt(now);
    if (tokens < cost) return false;
    this.#tokens = tokens - cost;
    this.#updatedAt = now;
    return true;
  }

  /** Takes `cost` tokens even if fewer are left. The missing ones are a debt that new tokens pay off. */
  charge(cost: number, now = Date.now()): void {
    this.#tokens = this.#tokensAt(now) - cost;
    this.#updatedAt = now;
  }

  /** Milliseconds until the debt is paid off; 0 without a debt. */
  debtMs(now = Date.now()): number {
    const tokens = this.#tokensAt(now);
    return tokens < 0 ? Math.ceil((-tokens / this.#rate.perSecond) * 1_000) : 0;
  }

  isFull(now = Date.now()): boolean {
    return this.#tokensAt(now) >= this.#rate.burst;
  }

  #tokensAt(now: number): number {
    const { perSecond, burst } = this.#rate;
    return Math.min(burst, this.#tokens + (Math.max(0, now - this.#updatedAt) * perSecond) / 1_000);
  }
}

/**
 * A rate limit per key.
 *
 * Full buckets are forgotten. Above `maxKeys` the bucket that was used least recently goes as well, so that a flood of
 * addresses can't grow memory.
 */
export class TokenBuckets {
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #rate: Rate;
  readonly #maxKeys: number;

  constructor(rate: Rate, maxKeys = 50_000) {
    this.#rate = rate;
    this.#maxKeys = maxKeys;
  }

  /** Returns false if the key has no token left. */
  take(key: string, now = Date.now()): boolean {
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#rate, now);
    if (!bucket.take(1, now)) return false;
    this.#keep(key, bucket, now);
    return true;
  }

  /** See `TokenBucket.charge`. */
  charge(key: string, cost: number, now = Date.now()): void {
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#rate, now);
    bucket.charge(cost, now);
    this.#keep(key, bucket, now);
  }

  /** See `TokenBucket.debtMs`. */
  debtMs(key: string, now = Date.now()): number {
    return this.#buckets.get(key)?.debtMs(now) ?? 0;
  }

  #keep(key: string, bucket: TokenBucket, now: number): void {
    // Inserted again, so that the map is in order of last use.
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    this.#forget(now);
  }

  /** Looks at two keys per call, which is enough to keep up with one new key per call. */
  #forget(now: number): void {
    let looked = 0;
    for (const [key, bucket] of this.#buckets) {
      if (!bucket.isFull(now) && this.#buckets.size <= this.#maxKeys) return;
      this.#buckets.delete(key);
      if (++looked === 2) return;
    }
  }
}
