/** What was opened, so that it can be closed newest first. One that fails keeps none of the others from closing. */
export class Opened {
  readonly #closers: (() => Promise<void>)[] = [];

  add<T>(thing: T, close: (thing: T) => Promise<void>): T {
    this.#closers.push(() => close(thing));
    return thing;
  }

  /** Rejects with the first failure once everything was tried. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (let close = this.#closers.pop(); close; close = this.#closers.pop()) {
      await close().catch((error) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }
}
