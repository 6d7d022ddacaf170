/** Each node tells the others of its service so often that it is there, in milliseconds. */
export const aliveEveryMs = 5_000;
/** So many of these may be missing before a silent peer counts as gone. */
const missable = 3;

/**
 * Whether other nodes of this service may be listening. A guess that errs on the side of yes: until silence has lasted
 * long enough, there may be some. Where it is wrong for a moment, the sweep of heads sends what no push told.
 */
export class Peers {
  readonly #silenceMs: number;
  #heardAt = Date.now();

  /** `everyMs`: how often peers tell that they are alive. */
  constructor(everyMs: number) {
    this.#silenceMs = everyMs * (missable + 1);
  }

  get any(): boolean {
    return Date.now() - this.#heardAt < this.#silenceMs;
  }

  /** One of them said something, or this node has only now begun to listen. */
  heard(): void {
    this.#heardAt = Date.now();
  }
}
