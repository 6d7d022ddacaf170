import { after } from '../timing.js';

/** Milliseconds before the end at which a client is told. */
const warning = 60_000;

export interface TokenClockListener {
  expiring(inMs: number): void;
  expired(): void;
}

/** Watches one access token's end: a warning 60 s before, or at once if less is left, and then the end. */
export class TokenClock {
  readonly #listener: TokenClockListener;
  #cancels: (() => void)[] = [];

  constructor(listener: TokenClockListener) {
    this.#listener = listener;
  }

  start(expiresAt: number): void {
    this.#watch(expiresAt, (left) => Math.max(0, left - warning));
  }

  /**
   * Goes on with a new token. One that lives shorter than the warning is warned of at half its life: a client
   * that refreshes at each warning must not do so in a tight loop.
   */
  restart(expiresAt: number): void {
    this.stop();
    this.#watch(expiresAt, (left) => Math.max(left / 2, left - warning));
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
