import { Decoder } from 'socket.io-parser';

const sizes = new WeakMap<object, number>();

/** The default decoder, which also remembers how many bytes each packet took on the wire. */
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

/** Bytes on the wire of the packet that these event arguments came in; 0 for arguments from elsewhere. */
export function packetSize(eventArguments: object): number {
  return sizes.get(eventArguments) ?? 0;
}

function sizeOf(chunk: unknown): number {
  if (typeof chunk === 'string') return Buffer.byteLength(chunk);
  if (chunk instanceof Uint8Array || chunk instanceof ArrayBuffer) return chunk.byteLength;
  return 0;
}
