/** Collects items and handles them in batches, one batch at a time. */
export class Batches<T> {
  readonly #maxSize: number;
  readonly #handle: (batch: T[]) => Promise<void>;
  #waiting: T[] = [];
  #running: Promise<void> | undefined;

  constructor(maxSize: number, handle: (batch: T[]) => Promise<void>) {
    this.#maxSize = maxSize;
    this.#handle = handle;
  }

  /** The caller limits the number of waiting items, here by the consumer's prefetch. */
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
      await this.#handle(this.#waiting.splice(0, this.#maxSize));
    }
  }
}
