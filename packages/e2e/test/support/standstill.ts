/** Between two beats of the watch, in milliseconds. */
const beatMs = 50;

/** Tells for how long this process got no turn: then the machine stood still, and what was timed is no measure. */
export class StandstillWatch {
  #beat = Date.now();
  #longest = 0;
  readonly #timer = setInterval(() => this.#look(), beatMs);

  /** The longest that a beat was late since the last call, in milliseconds. */
  take(): number {
    this.#look();
    const longest = this.#longest;
    this.#longest = 0;
    return longest;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = Date.now();
    this.#longest = Math.max(this.#longest, now - this.#beat - beatMs);
    this.#beat = now;
  }
}
