import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { FairQueue } from '../fair-queue.js';
import { acceptsBetweenOpens, opensPerTurn } from '../limits/limits.js';

export interface UpgradeQueueOptions {
  /** The HTTP server, which emits `connection` for each TCP connection. */
  server: Pick<EventEmitter, 'on'>;
  /** The client address of a request. Addresses take turns. */
  addressOf(request: IncomingMessage): string;
  /** Opens the WebSocket. */
  open(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

interface WaitingUpgrade {
  request: IncomingMessage;
  socket: Duplex;
  head: Buffer;
  onError(): void;
}

/**
 * The WebSocket upgrades that wait to be opened. Addresses take turns.
 *
 * It opens `opensPerTurn` connections in one turn of the event loop, because each causes work in the turns that follow:
 * its handshake and the entries that it missed. So requests and transactions go on while many connections arrive, and the
 * first ones have joined before the last ones are opened.
 *
 * Node.js accepts one TCP connection per turn of the event loop. While more of them arrive, some turns open nothing: a
 * health check may be among the connections that wait to be accepted.
 *
 * It refuses nobody. Each waiting upgrade holds a TCP connection, so the limit of TCP connections limits the queue.
 */
export class UpgradeQueue {
  readonly #options: UpgradeQueueOptions;
  readonly #waiting = new FairQueue<WaitingUpgrade>();
  #turning = false;
  /** TCP connections accepted since the last turn. */
  #accepted = 0;
  /** TCP connections accepted since upgrades were last opened. */
  #acceptedSinceOpens = 0;

  constructor(options: UpgradeQueueOptions) {
    this.#options = options;
    options.server.on('connection', () => {
      this.#accepted += 1;
    });
  }

  /** The number of upgrades that wait. */
  get length(): number {
    return this.#waiting.size;
  }

  /** A listener for the `upgrade` event. */
  readonly add = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const onError = (): void => void socket.destroy();
    socket.on('error', onError);
    this.#waiting.add(this.#options.addressOf(request), { request, socket, head, onError });
    if (this.#turning) return;
    this.#turning = true;
    setImmediate(() => this.#turn());
  };

  #turn(): void {
    this.#acceptedSinceOpens += this.#accepted;
    const moreArrive = this.#accepted > 0 && this.#acceptedSinceOpens < acceptsBetweenOpens;
    this.#accepted = 0;
    if (!moreArrive) this.#openSome();
    this.#turning = this.#waiting.size > 0;
    if (this.#turning) setImmediate(() => this.#turn());
  }

  #openSome(): void {
    this.#acceptedSinceOpens = 0;
    for (let opened = 0; opened < opensPerTurn; ) {
      const next = this.#waiting.next();
      if (!next) return;
      if (this.#open(next)) opened += 1;
    }
  }

  /** Returns false if the client has given up. */
  #open({ request, socket, head, onError }: WaitingUpgrade): boolean {
    // A client that has ended its side of the connection can't use a WebSocket on it.
    if (socket.destroyed || socket.readableEnded) {
      socket.destroy();
      return false;
    }
    socket.off('error', onError);
    this.#options.open(request, socket, head);
    return true;
  }
}
