import type { SessionRevoked } from '@warren/contracts';

type Revocation = Pick<SessionRevoked, 'sessionId' | 'tokensEndAt'>;

/** Which sessions have ended before the access tokens they were given. Entries live as long as a token can. */
export class Revocations {
  /** Session id to the latest end of its tokens, in milliseconds since 1970. */
  readonly #ends = new Map<string, number>();
  readonly #listeners: ((sessionIds: ReadonlySet<string>) => void)[] = [];

  get size(): number {
    return this.#ends.size;
  }

  has(sessionId: string): boolean {
    return this.#ends.has(sessionId);
  }

  /** What is new among them is told to the listeners, together. */
  add(revocations: readonly Revocation[]): void {
    const now = Date.now();
    const fresh = new Set<string>();
    for (const { sessionId, tokensEndAt } of revocations) {
      const end = Date.parse(tokensEndAt);
      if (this.#ends.has(sessionId) || !(end > now)) continue;
      this.#ends.set(sessionId, end);
      fresh.add(sessionId);
    }
    if (fresh.size === 0) return;
    for (const listener of this.#listeners) listener(fresh);
  }

  onAdded(listener: (sessionIds: ReadonlySet<string>) => void): void {
    this.#listeners.push(listener);
  }

  /** Forgets those of which no token can be good any more. */
  prune(): void {
    const now = Date.now();
    for (const [sessionId, end] of this.#ends) if (end <= now) this.#ends.delete(sessionId);
  }
}
