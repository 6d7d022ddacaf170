import type { FeedEntry } from '@warren/unit-of-work';

/**
 * Pushes that came before their turn, kept while a read fetches what is missing before them.
 *
 * Holds few: what doesn't fit is read again, since the feed has it anyway.
 */
export class HeldEntries {
  readonly #entries = new Map<number, FeedEntry>();
  readonly #capacity: number;

  constructor(capacity = 64) {
    this.#capacity = capacity;
  }

  add(entry: FeedEntry): void {
    if (this.#entries.size < this.#capacity) this.#entries.set(entry.seq, entry);
  }

  get(seq: number): FeedEntry | undefined {
    return this.#entries.get(seq);
  }

  /** Forgets everything at or below `seq`. */
  prune(seq: number): void {
    for (const held of this.#entries.keys()) if (held <= seq) this.#entries.delete(held);
  }
}
