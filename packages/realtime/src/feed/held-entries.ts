import type { FeedEntry } from '@warren/unit-of-work';

/**
 * Pushed entries that arrived before their turn, kept while a read fetches the ones before them.
 *
 * It keeps only a few. Entries that don't fit are read from the feed later.
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

  /** Forgets all entries up to and including `seq`. */
  prune(seq: number): void {
    for (const held of this.#entries.keys()) if (held <= seq) this.#entries.delete(held);
  }
}
