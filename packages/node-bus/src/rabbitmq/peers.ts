/** How many signs of life in a row may get lost before a silent peer counts as gone. */
const missable = 3;

/**
 * Whether other nodes of the service may be there. A guess that errs on the side of yes: only after a long enough silence
 * it says no. While it is wrong, nodes miss messages, which they may at any time.
 */
export class Peers {
  readonly #silenceMs: number;
  #heardAt = Date.now();

  /** `everyMs`: how often each node says that it is alive. */
  constructor(everyMs: number) {
    this.#silenceMs = everyMs * (missable + 1);
  }

  get any(): boolean {
    return Date.now() - this.#heardAt < this.#silenceMs;
  }

  /** A peer said something, or this node has only now begun to listen. */
  heard(): void {
    this.#heardAt = Date.now();
  }
}
