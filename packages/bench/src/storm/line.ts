import { Agent, type ClientRequestArgs } from 'node:http';
import { connect, type Socket } from 'node:net';

/**
 * The way of one client to the service: each new connection goes to the next node, as behind a load balancer, and
 * can be cut below the client's feet.
 */
export class Line extends Agent {
  /** When the newest connection was begun, by `performance.now()`. */
  connectedAt = 0;
  readonly #ports: readonly number[];
  #next: number;
  #socket: Socket | undefined;

  /** `first`: the index of the port to begin with. */
  constructor(ports: readonly number[], first: number) {
    super();
    this.#ports = ports;
    this.#next = first;
  }

  override createConnection(_options: ClientRequestArgs): Socket {
    const port = this.#ports[this.#next % this.#ports.length] as number;
    this.#next += 1;
    this.connectedAt = performance.now();
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    return this.#socket;
  }

  /** A TCP reset: neither side says goodbye. */
  cut(): void {
    this.#socket?.resetAndDestroy();
  }
}
