import { unjoinedTotalFactor } from '../limits/limits.js';
import type { Connection } from '../limits/unsent-meter.js';

/** Counts the connections that have joined no namespace, per address and in total. */
export class UnjoinedConnections {
  readonly #addresses = new Map<Connection, string>();
  readonly #counts = new Map<string, number>();
  readonly #perAddress: number;

  constructor(perAddress: number) {
    this.#perAddress = perAddress;
  }

  get size(): number {
    return this.#addresses.size;
  }

  /** Whether one more connection of this address would exceed a limit. */
  isFull(address: string): boolean {
    if (this.size >= this.#perAddress * unjoinedTotalFactor) return true;
    return (this.#counts.get(address) ?? 0) >= this.#perAddress;
  }

  add(connection: Connection, address: string): void {
    this.#addresses.set(connection, address);
    this.#counts.set(address, (this.#counts.get(address) ?? 0) + 1);
  }

  /** Call it when the connection has joined or is closed. */
  delete(connection: Connection): void {
    const address = this.#addresses.get(connection);
    if (address === undefined) return;
    this.#addresses.delete(connection);
    const left = (this.#counts.get(address) ?? 0) - 1;
    if (left > 0) this.#counts.set(address, left);
    else this.#counts.delete(address);
  }
}
