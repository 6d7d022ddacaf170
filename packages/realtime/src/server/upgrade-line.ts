import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { FairQueue } from '../fair-queue.js';
import { opensAtOnce, takesBetweenOpens } from '../limits/defaults.js';

export interface UpgradeLineOptions {
  /** Where TCP connections come in. */
  server: Pick<EventEmitter, 'on'>;
  /** Whom an upgrade counts for: addresses take turns. */
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
 * Opens few connections in each turn of the event loop, since all that they cost, their joining and what they missed,
 * comes in the turns that follow. However many come at once, requests and transactions go on between them, and those who
 * came first have joined before the last ones are let in.
 *
 * Node.js takes one TCP connection in each turn of the event loop. So where more of them come, some turns are left to
 * that alone: a health check is behind all that came before it, and nobody knows it from the others until it is taken.
 *
 * Nobody is refused here. Each one that waits holds a TCP connection, which bounds how many they can be.
 */
export class UpgradeLine {
  readonly #options: UpgradeLineOptions;
  readonly #waiting = new FairQueue<Waiting>();
  #turning = false;
  /** TCP connections that were taken since the last turn, and since some were opened. */
  #taken = 0;
  #takenSinceOpens = 0;

  constructor(options: UpgradeLineOptions) {
    this.#options = options;
    options.server.on('connection', () => {
      this.#taken += 1;
    });
  }

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
    this.#takenSinceOpens += this.#taken;
    const moreCome = this.#taken > 0 && this.#takenSinceOpens < takesBetweenOpens;
    this.#taken = 0;
    if (!moreCome) this.#openSome();
    this.#turning = this.#waiting.size > 0;
    if (this.#turning) setImmediate(() => this.#turn());
  }

  #openSome(): void {
    this.#takenSinceOpens = 0;
    for (let opened = 0; opened < opensAtOnce; ) {
      const next = this.#waiting.next();
      if (!next) return;
      if (this.#open(next)) opened += 1;
    }
  }

  /** False for one who has given up meanwhile, and so costs nothing more. */
  #open({ request, socket, head, onError }: Waiting): boolean {
    // Nobody who wants a WebSocket ends what he sends and then goes on.
    if (socket.destroyed || socket.readableEnded) {
      socket.destroy();
      return false;
    }
    socket.off('error', onError);
    this.#options.open(request, socket, head);
    return true;
  }
}
