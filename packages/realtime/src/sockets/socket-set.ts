import type { ConnectedSocket } from './connected-socket.js';

/** The sockets that are connected here, also by session. */
export class SocketSet implements Iterable<ConnectedSocket> {
  readonly #sockets = new Set<ConnectedSocket>();
  readonly #bySession = new Map<string, Set<ConnectedSocket>>();
  #emptyListeners: (() => void)[] = [];

  get size(): number {
    return this.#sockets.size;
  }

  [Symbol.iterator](): IterableIterator<ConnectedSocket> {
    return this.#sockets.values();
  }

  /** Returns a copy, since ending a socket removes it from the set. */
  ofSession(sessionId: string): ConnectedSocket[] {
    return [...(this.#bySession.get(sessionId) ?? [])];
  }

  add(socket: ConnectedSocket): void {
    this.#sockets.add(socket);
    const { sessionId } = socket.principal;
    const session = this.#bySession.get(sessionId) ?? new Set();
    this.#bySession.set(sessionId, session.add(socket));
  }

  delete(socket: ConnectedSocket): void {
    this.#sockets.delete(socket);
    const { sessionId } = socket.principal;
    const session = this.#bySession.get(sessionId);
    if (session?.delete(socket) && session.size === 0) this.#bySession.delete(sessionId);
    if (this.#sockets.size === 0) for (const resolve of this.#emptyListeners.splice(0)) resolve();
  }

  whenEmpty(): Promise<void> {
    if (this.#sockets.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#emptyListeners.push(resolve));
  }
}
