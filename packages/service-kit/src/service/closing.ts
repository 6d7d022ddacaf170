import type { Logger } from 'pino';

/** What was opened, so that it can be closed in reverse, whether the start failed half-way or the service stops. */
export class Closing {
  readonly #opened: { name: string; close(): Promise<unknown> }[] = [];

  add(name: string, close: () => Promise<unknown>): void {
    this.#opened.push({ name, close });
  }

  /** Closes everything, newest first. One that fails doesn't keep the others open; never rejects. */
  async run(log: Logger): Promise<void> {
    for (let next = this.#opened.pop(); next; next = this.#opened.pop()) {
      try {
        await next.close();
      } catch (error) {
        log.error({ err: error, part: next.name }, 'could not be closed properly');
      }
    }
  }
}
