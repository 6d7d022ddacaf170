/** Everything that was started, whichever way. */
export interface Running {
  /** What the reader should know of where the data and the events are. */
  facts: string[];
  /** Rejects with a sentence once something that can't be done without has ended by itself. */
  failed: Promise<never>;
  /** Stops all of it in order. Repeated calls wait for the same stop. */
  stop(): Promise<void>;
}

/** Stops what was started, the last first; a failing step doesn't keep the others from stopping. */
export class Stack {
  readonly #steps: (() => Promise<void>)[] = [];
  #stopping: Promise<void> | undefined;

  push(step: () => Promise<void>): void {
    this.#steps.push(step);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#unwind();
    return this.#stopping;
  }

  async #unwind(): Promise<void> {
    const errors: unknown[] = [];
    for (const step of this.#steps.reverse()) {
      await step().catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 0) throw new AggregateError(errors, 'not everything stopped cleanly');
  }
}

/** Runs `start`, which pushes what it opened; if it throws, that is closed again before the error goes on. */
export async function unwinding<T>(start: (stack: Stack) => Promise<T>): Promise<T> {
  const stack = new Stack();
  try {
    return await start(stack);
  } catch (error) {
    await stack.stop().catch(() => undefined); // The first error is the one to tell.
    throw error;
  }
}
