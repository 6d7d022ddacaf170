import type { ConnectedSocket } from '../connected-socket.js';

/** The sockets that passed their handshake here. */
export class SocketSet implements Iterable<ConnectedSocket> {
  readonly #sockets = new Set<ConnectedSocket>();
  #waiting: (() => void)[] = [];

  get size(): number {
    return this.#sockets.size;
  }

  [Symbol.iterator](): IterableIterator<ConnectedSocket> {
    return this.#sockets.values();
  }

  add(socket: ConnectedSocket): void {
    this.#sockets.add(socket);
  }

  delete(socket: ConnectedSocket): void {
    this.#sockets.delete(socket);
    if (this.#sockets.size === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  whenEmpty(): Promise<void> {
    if (this.#sockets.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
