import type { DeadLetterReason } from '../port.js';

export interface DeadLetter {
  id: string;
  type: string;
  service: string;
  reason: DeadLetterReason;
  attempts: number;
  /** RFC 3339, UTC. */
  firstFailedAt: string;
  error: Error;
}

/** The newest dead letters, by event id (without one there is nothing to remember them by); one that falls out is tried again when it is published again. */
export class DeadLetters {
  readonly #size: number;
  readonly #byId = new Map<string, DeadLetter>();

  constructor(size: number) {
    this.#size = size;
  }

  get(id: string): DeadLetter | undefined {
    return this.#byId.get(id);
  }

  add(letter: DeadLetter): void {
    if (letter.id === '') return;
    this.#byId.set(letter.id, letter);
    if (this.#byId.size <= this.#size) return;
    const [oldest] = this.#byId.keys();
    if (oldest !== undefined) this.#byId.delete(oldest);
  }

  list(): DeadLetter[] {
    return [...this.#byId.values()];
  }
}
