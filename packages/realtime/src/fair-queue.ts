/** What waits under some key; keys take turns, each with one item, in the order in which they came. */
export class FairQueue<Item> {
  readonly #byKey = new Map<string, Set<Item>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  sizeOf(key: string): number {
    return this.#byKey.get(key)?.size ?? 0;
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

  /** Takes out whose turn it is; undefined if nobody waits. */
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
