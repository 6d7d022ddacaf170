/** All services, running in one process or in several. */
export interface Running {
  /** Lines that tell the reader where data and events are kept. */
  facts: string[];
  /** Rejects with a sentence once a needed part has ended by itself. */
  failed: Promise<never>;
  /** Stops everything, the last started first. Repeated calls wait for the same stop. */
  stop(): Promise<void>;
}

/** Runs steps in reverse order. A step that fails does not keep the others from running. */
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

/** Runs `start`, which pushes a step for each thing that it opens. If it throws, the steps run before the error is thrown on. */
export async function unwinding<T>(start: (stack: Stack) => Promise<T>): Promise<T> {
  const stack = new Stack();
  try {
    return await start(stack);
  } catch (error) {
    await stack.stop().catch(() => undefined); // The first error says more.
    throw error;
  }
}
