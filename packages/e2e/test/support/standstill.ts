/** The interval of the watch's timer in milliseconds. */
const beatMs = 50;

/** Measures for how long this process did not run. If the machine stalled, a measurement of that time doesn't count. */
export class StandstillWatch {
  #beat = Date.now();
  #longest = 0;
  readonly #timer = setInterval(() => this.#check(), beatMs);

  /** The longest standstill since the last call, in milliseconds. */
  take(): number {
    this.#check();
    const longest = this.#longest;
    this.#longest = 0;
    return longest;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    const now = Date.now();
    this.#longest = Math.max(this.#longest, now - this.#beat - beatMs);
    this.#beat = now;
  }
}
