/**
 * A queue in which keys take turns: each key gives its oldest item and then goes behind all others. A key with many
 * items does not hold up the rest.
 */
export class FairQueue<Item> {
  readonly #byKey = new Map<string, Set<Item>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(key: string, item: Item): void {
    const items = this.#byKey.get(key);
    if (items) items.add(item);
    else this.#byKey.set(key, new Set([item]));
    this.#size += 1;
  }

  delete(key: string, item: Item): void {
    const items = this.#byKey.get(key);
    if (!items?.delete(item)) return;
    this.#size -= 1;
    if (items.size === 0) this.#byKey.delete(key);
  }

  /** Removes and returns the item whose turn it is; undefined if the queue is empty. */
  next(): Item | undefined {
    for (const [key, items] of this.#byKey) {
      this.#byKey.delete(key);
      if (items.size > 1) this.#byKey.set(key, items);
      for (const item of items) {
        items.delete(item);
        this.#size -= 1;
        return item;
      }
    }
    return undefined;
  }
}
