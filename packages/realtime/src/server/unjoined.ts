import type { Connection } from '../limits/unsent-meter.js';

/** Connections that have joined no namespace, of one address, for one of all addresses. */
const addressesInTotal = 5;

/** Counts the connections that have joined nothing yet, by address and in total. */
export class UnjoinedConnections {
  readonly #addresses = new Map<Connection, string>();
  readonly #counts = new Map<string, number>();
  readonly #perAddress: number;

  /** So many of one address, and five times as many in total. */
  constructor(perAddress: number) {
    this.#perAddress = perAddress;
  }

  get size(): number {
    return this.#addresses.size;
  }

  isFull(address: string): boolean {
    if (this.size >= this.#perAddress * addressesInTotal) return true;
    return (this.#counts.get(address) ?? 0) >= this.#perAddress;
  }

  add(connection: Connection, address: string): void {
    this.#addresses.set(connection, address);
    this.#counts.set(address, (this.#counts.get(address) ?? 0) + 1);
  }

  /** It has joined, or is gone. */
  delete(connection: Connection): void {
    const address = this.#addresses.get(connection);
    if (address === undefined) return;
    this.#addresses.delete(connection);
    const left = (this.#counts.get(address) ?? 0) - 1;
    if (left > 0) this.#counts.set(address, left);
    else this.#counts.delete(address);
  }
}
