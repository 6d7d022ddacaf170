import { AppError, type SessionRevoked } from '@warren/contracts';
import type { VerifyToken } from '@warren/realtime';

type Revocation = Pick<SessionRevoked, 'sessionId' | 'tokensEndAt'>;

/**
 * The sessions that ended before their access tokens expired. An entry is kept until the last token of its session has
 * expired.
 */
export class Revocations {
  /** Session id -> when its last token expires, in milliseconds since 1970. */
  readonly #ends = new Map<string, number>();
  readonly #listeners: ((sessionIds: ReadonlySet<string>) => void)[] = [];

  get size(): number {
    return this.#ends.size;
  }

  has(sessionId: string): boolean {
    return this.#ends.has(sessionId);
  }

  /** Adds revocations and calls the listeners once with those that are new. */
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

  /** Removes the sessions whose tokens have all expired. */
  prune(): void {
    const now = Date.now();
    for (const [sessionId, end] of this.#ends) if (end <= now) this.#ends.delete(sessionId);
  }
}

/** `verify`, which also refuses tokens of revoked sessions with `session-revoked`. */
export function unrevoked(verify: VerifyToken, isRevoked: (sessionId: string) => boolean): VerifyToken {
  return async (token) => {
    const principal = await verify(token);
    if (isRevoked(principal.sessionId)) throw new AppError('session-revoked');
    return principal;
  };
}
