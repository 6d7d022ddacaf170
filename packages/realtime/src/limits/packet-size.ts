import { Decoder } from 'socket.io-parser';

const sizes = new WeakMap<object, number>();

/** Socket.IO's decoder, which also records how many bytes each packet had on the wire. */
export class SizingDecoder extends Decoder {
  #bytes = 0;

  constructor() {
    super();
    this.on('decoded', (packet) => {
      if (Array.isArray(packet.data)) sizes.set(packet.data, this.#bytes);
      this.#bytes = 0;
    });
  }

  override add(chunk: unknown): void {
    this.#bytes += sizeOf(chunk);
    super.add(chunk);
  }
}

/** Bytes on the wire of the packet with these event arguments; 0 if no `SizingDecoder` decoded it. */
export function packetSize(eventArguments: object): number {
  return sizes.get(eventArguments) ?? 0;
}

function sizeOf(chunk: unknown): number {
  if (typeof chunk === 'string') return Buffer.byteLength(chunk);
  if (chunk instanceof Uint8Array || chunk instanceof ArrayBuffer) return chunk.byteLength;
  return 0;
}
