import type { Socket } from 'socket.io';

/** The Engine.IO connection under a socket. */
export type Connection = Socket['conn'];

type Transport = Connection['transport'];

/**
 * How many bytes of a connection the kernel hasn't taken yet.
 *
 * A batch counts until the transport's write callback says that it is out: a peer that doesn't read holds that
 * callback back as soon as the TCP buffers are full.
 */
export class UnsentMeter {
  #queued = 0;
  #inFlight = 0;
  #onDrain: (() => void) | undefined;

  constructor(connection: Connection) {
    connection.on('packetCreate', (packet: { data?: unknown }) => {
      this.#queued += sizeOf(packet.data);
    });
    connection.on('flush', () => {
      this.#inFlight += this.#queued;
      this.#queued = 0;
    });
    this.#follow(connection.transport);
    connection.on('upgrade', (transport: Transport) => this.#follow(transport));
  }

  get bytes(): number {
    return this.#queued + this.#inFlight;
  }

  /** Calls whenever all that was written has left. One listener. */
  onDrain(listener: () => void): void {
    this.#onDrain = listener;
  }

  #follow(transport: Transport): void {
    transport.on('drain', () => {
      this.#inFlight = 0;
      this.#onDrain?.();
    });
  }
}

/** A frame's header and a control packet still take some bytes. */
const overhead = 8;

function sizeOf(data: unknown): number {
  if (typeof data === 'string') return Buffer.byteLength(data) + overhead;
  if (data instanceof Uint8Array || data instanceof ArrayBuffer) return data.byteLength + overhead;
  return overhead;
}
