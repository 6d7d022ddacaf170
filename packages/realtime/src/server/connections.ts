import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Connection } from '../limits/unsent-meter.js';
import { ConnectionGuard, type GuardOptions } from './connection-guard.js';
import type { UnjoinedConnections } from './unjoined-connections.js';
import { isSocketUpgrade } from './upgrades.js';

/** All Engine.IO connections of this node, joined to a namespace or not, and the TCP sockets of their upgrades. */
export class Connections {
  readonly #connections = new Map<Connection, ConnectionGuard>();
  readonly #sockets = new Set<Duplex>();
  readonly #server: Server;
  readonly #path: string;
  readonly #unjoined: UnjoinedConnections;
  readonly #guardOptions: GuardOptions;

  constructor(server: Server, path: string, unjoined: UnjoinedConnections, guardOptions: GuardOptions) {
    this.#server = server;
    this.#path = path;
    this.#unjoined = unjoined;
    this.#guardOptions = guardOptions;
    server.on('upgrade', this.#onUpgrade);
  }

  add(connection: Connection, address: string): void {
    this.#connections.set(connection, new ConnectionGuard(connection, this.#guardOptions));
    writeTogether(connection);
    this.#unjoined.add(connection, address);
    connection.once('close', () => {
      this.#connections.delete(connection);
      this.#unjoined.delete(connection);
    });
  }

  /** The guard of an open connection; undefined once it is closed. */
  guardOf(connection: Connection): ConnectionGuard | undefined {
    return this.#connections.get(connection);
  }

  /** Notes that the connection has joined. `onFlood` is called when it sends more than it may. */
  joined(connection: Connection, onFlood: () => void): void {
    this.#unjoined.delete(connection);
    this.#connections.get(connection)?.joined(onFlood);
  }

  /**
   * Closes every connection after sending what it has buffered, and resolves when the TCP sockets are closed. Peers that
   * do not read are cut off after `graceMs`.
   */
  async closeAll(graceMs: number): Promise<void> {
    const gone = [...this.#sockets].map((socket) => closed(socket, graceMs));
    for (const connection of this.#connections.keys()) connection.close(isBetweenPolls(connection));
    await Promise.all(gone);
  }

  /** Stops listening to the HTTP server. */
  detach(): void {
    this.#server.off('upgrade', this.#onUpgrade);
  }

  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex): void => {
    if (!isSocketUpgrade(request, this.#path)) return;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  };
}

/**
 * Writes all frames of one flush with one system call instead of one call each: a page of a feed is a hundred frames.
 * Engine.IO emits `flush` before it writes the frames and `drain` after, in the same turn of the event loop.
 */
function writeTogether(connection: Connection): void {
  const { socket } = connection.request;
  connection.on('flush', () => socket.cork());
  connection.on('drain', () => socket.uncork());
}

/** Nothing can be sent to a long-polling client before its next poll, which may never come. */
function isBetweenPolls({ transport }: Connection): boolean {
  return transport.name === 'polling' && !transport.writable;
}

/** Resolves when the socket is closed, and destroys it after `graceMs`. */
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
