import type { ConsumeMessage } from 'amqplib';

/** Senders come and go with their processes; the oldest known are forgotten. */
const maxSenders = 1_000;

/** Notices what a full queue has dropped on the way: each sender numbers its messages. */
export class SenderNumbers {
  readonly #last = new Map<string, number>();
  #missing = 0;

  get missing(): number {
    return this.#missing;
  }

  note({ properties }: ConsumeMessage): void {
    const sender = String(properties.messageId);
    const number = Number(properties.correlationId);
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
