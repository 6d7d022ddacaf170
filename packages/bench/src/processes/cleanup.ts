type Closer = () => Promise<void>;

const patienceMs = 20_000;

/** Closes what was opened, last first. One that fails or hangs keeps none of the others from closing. */
export class Cleanup {
  readonly #closers: { name: string; close: Closer }[] = [];
  #closing: Promise<void> | undefined;

  defer(name: string, close: Closer): void {
    this.#closers.push({ name, close });
  }

  /** Safe to call twice; both wait for the same end. */
  run(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    for (const { name, close } of this.#closers.reverse()) {
      await withinPatience(close()).catch((error) => console.error(`could not close ${name}:`, error));
    }
  }
}

function withinPatience(closing: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`still open after ${patienceMs} ms`)), patienceMs);
    closing.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
