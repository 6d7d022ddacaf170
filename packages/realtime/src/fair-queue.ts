/**
 * A queue in which keys take turns. Each key that has items gives one, its oldest, and then waits behind all others. So
 * nobody with many items holds up the rest.
 */
export class FairQueue<Item> {
  readonly #byKey = new Map<string, Set<Item>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(key: string, item: Item): void {
    const own = this.#byKey.get(key);
    if (own) own.add(item);
    else this.#byKey.set(key, new Set([item]));
    this.#size += 1;
  }

  delete(key: string, item: Item): void {
    const own = this.#byKey.get(key);
    if (!own?.delete(item)) return;
    this.#size -= 1;
    if (own.size === 0) this.#byKey.delete(key);
  }

  /** Takes out the item whose turn it is; undefined if the queue is empty. */
  next(): Item | undefined {
    for (const [key, own] of this.#byKey) {
      this.#byKey.delete(key);
      if (own.size > 1) this.#byKey.set(key, own);
      for (const item of own) {
        own.delete(item);
        this.#size -= 1;
        return item;
      }
    }
    return undefined;
  }
}
