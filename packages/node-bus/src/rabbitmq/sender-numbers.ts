/** Senders come and go with their processes; the oldest are forgotten. */
const maxSenders = 1_000;

/** Counts the frames that were lost on the way here, for example in a full queue: every sender numbers its frames. */
export class SenderNumbers {
  readonly #last = new Map<string, number>();
  #missing = 0;

  get missing(): number {
    return this.#missing;
  }

  /** `number`: 1 for a sender's first frame, and one more for each that follows. */
  note(sender: string, number: number): void {
    if (!Number.isSafeInteger(number)) return;
    const last = this.#last.get(sender);
    if (last !== undefined && number > last + 1) this.#missing += number - last - 1;
    this.#last.delete(sender);
    this.#last.set(sender, number);
    if (this.#last.size <= maxSenders) return;
    const [oldest] = this.#last.keys();
    if (oldest !== undefined) this.#last.delete(oldest);
  }
}
