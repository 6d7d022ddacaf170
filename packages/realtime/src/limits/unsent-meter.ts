import type { Socket } from 'socket.io';

/** The Engine.IO connection under a socket. */
export type Connection = Socket['conn'];

type Transport = Connection['transport'];

/**
 * Counts the bytes of a connection that the kernel has not taken yet.
 *
 * A batch counts until the transport's write callback reports it as sent. A peer that does not read delays that
 * callback once the TCP buffers are full.
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

  /** Sets the one listener that is called whenever everything written has been sent. */
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

/** An estimate for the header of each frame, and for packets without data. Bytes. */
const frameOverhead = 8;

function sizeOf(data: unknown): number {
  if (typeof data === 'string') return Buffer.byteLength(data) + frameOverhead;
  if (data instanceof Uint8Array || data instanceof ArrayBuffer) return data.byteLength + frameOverhead;
  return frameOverhead;
}
