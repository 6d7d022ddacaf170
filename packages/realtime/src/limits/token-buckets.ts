export interface Rate {
  /** Tokens on average. */
  perSecond: number;
  /** Tokens at once. */
  burst: number;
}

/** A rate limit for one thing. Times are in milliseconds. */
export class TokenBucket {
  readonly #rate: Rate;
  #tokens: number;
  #at: number;

  constructor(rate: Rate, now = Date.now()) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#at = now;
  }

  /** False, and nothing is taken, when there is less than `cost` left. */
  take(cost = 1, now = Date.now()): boolean {
    const tokens = this.#tokensAt(now);
    if (tokens < cost) return false;
    this.#tokens = tokens - cost;
    this.#at = now;
    return true;
  }

  /** Takes `cost` tokens, even more than there are: what is missing is a debt until it has come in again. */
  charge(cost: number, now = Date.now()): void {
    this.#tokens = this.#tokensAt(now) - cost;
    this.#at = now;
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
    return Math.min(burst, this.#tokens + (Math.max(0, now - this.#at) * perSecond) / 1_000);
  }
}

/**
 * A rate limit per key.
 *
 * Keys are forgotten when their bucket is full again; beyond `maxKeys` the oldest goes, so that a flood of
 * addresses can't grow memory.
 */
export class TokenBuckets {
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #rate: Rate;
  readonly #maxKeys: number;

  constructor(perSecond: number, burst: number, maxKeys = 50_000) {
    this.#rate = { perSecond, burst };
    this.#maxKeys = maxKeys;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** False when the key has used up its rate. `now` in milliseconds. */
  take(key: string, now = Date.now()): boolean {
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#rate, now);
    if (!bucket.take(1, now)) return false;
    this.#keep(key, bucket, now);
    return true;
  }

  /** As `TokenBucket.charge`, for the bucket of this key. */
  charge(key: string, cost: number, now = Date.now()): void {
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#rate, now);
    bucket.charge(cost, now);
    this.#keep(key, bucket, now);
  }

  /** As `TokenBucket.debtMs`, for the bucket of this key. */
  debtMs(key: string, now = Date.now()): number {
    return this.#buckets.get(key)?.debtMs(now) ?? 0;
  }

  #keep(key: string, bucket: TokenBucket, now: number): void {
    // Re-inserted, so that the map's order is the order of last use.
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    this.#forget(now);
  }

  /** Looks at two keys a call: enough to keep up with one new key a call. */
  #forget(now: number): void {
    let looked = 0;
    for (const [key, bucket] of this.#buckets) {
      if (!bucket.isFull(now) && this.#buckets.size <= this.#maxKeys) return;
      this.#buckets.delete(key);
      if (++looked === 2) return;
    }
  }
}
