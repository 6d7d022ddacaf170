import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { FairQueue } from '../fair-queue.js';
import { acceptsBetweenOpens, opensAtOnce } from '../limits/defaults.js';

export interface UpgradeLineOptions {
  /** The HTTP server, which emits `connection` for each TCP connection. */
  server: Pick<EventEmitter, 'on'>;
  /** The client address that takes turns with others. */
  addressOf(request: IncomingMessage): string;
  open(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

interface Waiting {
  request: IncomingMessage;
  socket: Duplex;
  head: Buffer;
  onError(): void;
}

/**
 * The line of WebSocket upgrades that wait to be opened. Addresses take turns.
 *
 * It opens few connections in each turn of the event loop, since the work that each one causes, its joining and the
 * entries that it missed, comes in the turns that follow. So requests and transactions go on between them, however many
 * connections come at once, and those who came first have joined before the last ones are opened.
 *
 * Node.js accepts one TCP connection in each turn of the event loop. While more of them come, some turns open nothing:
 * a request may be among those that wait, and it can't be told from the others before it is accepted.
 *
 * Nobody is refused here. Each upgrade that waits holds a TCP connection, so the limit of these bounds the line.
 */
export class UpgradeLine {
  readonly #options: UpgradeLineOptions;
  readonly #waiting = new FairQueue<Waiting>();
  #turning = false;
  /** TCP connections that were accepted since the last turn. */
  #accepted = 0;
  /** TCP connections that were accepted since upgrades were last opened. */
  #acceptedSinceOpens = 0;

  constructor(options: UpgradeLineOptions) {
    this.#options = options;
    options.server.on('connection', () => {
      this.#accepted += 1;
    });
  }

  /** Upgrades that wait. */
  get length(): number {
    return this.#waiting.size;
  }

  readonly take = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const onError = (): void => void socket.destroy();
    socket.on('error', onError);
    this.#waiting.add(this.#options.addressOf(request), { request, socket, head, onError });
    if (this.#turning) return;
    this.#turning = true;
    setImmediate(() => this.#turn());
  };

  #turn(): void {
    this.#acceptedSinceOpens += this.#accepted;
    const moreCome = this.#accepted > 0 && this.#acceptedSinceOpens < acceptsBetweenOpens;
    this.#accepted = 0;
    if (!moreCome) this.#openSome();
    this.#turning = this.#waiting.size > 0;
    if (this.#turning) setImmediate(() => this.#turn());
  }

  #openSome(): void {
    this.#acceptedSinceOpens = 0;
    for (let opened = 0; opened < opensAtOnce; ) {
      const next = this.#waiting.next();
      if (!next) return;
      if (this.#open(next)) opened += 1;
    }
  }

  /** False if the client has given up meanwhile: then there is nothing to open. */
  #open({ request, socket, head, onError }: Waiting): boolean {
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
