/** Gathers what arrives and hands it on in batches, one at a time. */
export class Batches<T> {
  readonly #most: number;
  readonly #handle: (batch: T[]) => Promise<void>;
  #waiting: T[] = [];
  #running: Promise<void> | undefined;

  constructor(most: number, handle: (batch: T[]) => Promise<void>) {
    this.#most = most;
    this.#handle = handle;
  }

  /** The caller bounds what waits here (a prefetch). */
  add(item: T): void {
    this.#waiting.push(item);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async close(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      await this.#handle(this.#waiting.splice(0, this.#most));
    }
  }
}
