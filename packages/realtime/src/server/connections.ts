import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Connection } from '../limits/unsent-meter.js';
import { ConnectionGuard, type GuardOptions } from './connection-guard.js';
import type { UnjoinedConnections } from './unjoined.js';
import { isSocketUpgrade } from './upgrades.js';
import { writeTogether } from './write-together.js';

/** Every transport of this node, whether or not it has joined a namespace, and the TCP sockets below. */
export class Connections {
  readonly #connections = new Map<Connection, ConnectionGuard>();
  readonly #sockets = new Set<Duplex>();
  readonly #server: Server;
  readonly #path: string;
  readonly #unjoined: UnjoinedConnections;
  readonly #guard: GuardOptions;

  constructor(server: Server, path: string, unjoined: UnjoinedConnections, guard: GuardOptions) {
    this.#server = server;
    this.#path = path;
    this.#unjoined = unjoined;
    this.#guard = guard;
    server.on('upgrade', this.#onUpgrade);
  }

  add(connection: Connection, address: string): void {
    this.#connections.set(connection, new ConnectionGuard(connection, this.#guard));
    writeTogether(connection);
    this.#unjoined.add(connection, address);
    connection.once('close', () => {
      this.#connections.delete(connection);
      this.#unjoined.delete(connection);
    });
  }

  /** The guard of a connection that is open; undefined for one that is gone. */
  guardOf(connection: Connection): ConnectionGuard | undefined {
    return this.#connections.get(connection);
  }

  /** `onFlood` ends the socket when more comes in than a connection may send. */
  joined(connection: Connection, onFlood: () => void): void {
    this.#unjoined.delete(connection);
    this.#connections.get(connection)?.joined(onFlood);
  }

  /**
   * Closes every transport after sending what it has buffered, and resolves when the TCP sockets are gone. A
   * peer that reads nothing is cut off after `graceMs`.
   */
  async closeAll(graceMs: number): Promise<void> {
    const gone = [...this.#sockets].map((socket) => closed(socket, graceMs));
    for (const connection of this.#connections.keys()) connection.close(isBetweenPolls(connection));
    await Promise.all(gone);
  }

  detach(): void {
    this.#server.off('upgrade', this.#onUpgrade);
  }

  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex): void => {
    if (!isSocketUpgrade(request, this.#path)) return;
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
