import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Connection } from '../limits/unsent-meter.js';

/** Every transport of this node, whether or not it has joined a namespace, and the TCP sockets below. */
export class Connections {
  readonly #connections = new Set<Connection>();
  readonly #sockets = new Set<Duplex>();
  readonly #server: Server;
  readonly #path: string;

  constructor(server: Server, path: string) {
    this.#server = server;
    this.#path = `${path}/`;
    server.on('upgrade', this.#onUpgrade);
  }

  add(connection: Connection): void {
    this.#connections.add(connection);
    connection.once('close', () => this.#connections.delete(connection));
  }

  /**
   * Closes every transport after sending what it has buffered, and resolves when the TCP sockets are gone. A
   * peer that reads nothing is cut off after `graceMs`.
   */
  async closeAll(graceMs: number): Promise<void> {
    const gone = [...this.#sockets].map((socket) => closed(socket, graceMs));
    for (const connection of this.#connections) connection.close(isBetweenPolls(connection));
    await Promise.all(gone);
  }

  detach(): void {
    this.#server.off('upgrade', this.#onUpgrade);
  }

  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex): void => {
    if (!request.url?.startsWith(this.#path)) return;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  };
}

/** Nothing can be sent to a long-polling client before its next poll, and that may never come. */
function isBetweenPolls({ transport }: Connection): boolean {
  return transport.name === 'polling' && !transport.writable;
}

function closed(socket: Duplex, graceMs: number): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.destroy(), graceMs);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
