import { after } from '@warren/timing';

/** Milliseconds before a token expires at which its client is warned. */
const warningMs = 60_000;

export interface TokenExpiryListener {
  expiring(inMs: number): void;
  expired(): void;
}

/** Reports the end of one access token: a warning 60 s before, or at once if less is left, and then its expiry. */
export class TokenExpiry {
  readonly #listener: TokenExpiryListener;
  #cancels: (() => void)[] = [];

  constructor(listener: TokenExpiryListener) {
    this.#listener = listener;
  }

  start(expiresAt: number): void {
    this.#watch(expiresAt, (left) => Math.max(0, left - warningMs));
  }

  /**
   * Watches a new token instead. If it expires within 60 s, the warning comes after half of that time: clients refresh at
   * each warning, and must not do so in a tight loop.
   */
  restart(expiresAt: number): void {
    this.stop();
    this.#watch(expiresAt, (left) => Math.max(left / 2, left - warningMs));
  }

  stop(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels = [];
  }

  #watch(expiresAt: number, warnAfter: (left: number) => number): void {
    const left = Math.max(0, expiresAt - Date.now());
    this.#cancels = [
      after(warnAfter(left), () => this.#listener.expiring(Math.max(0, expiresAt - Date.now()))),
      after(left, () => this.#listener.expired()),
    ];
  }
}
