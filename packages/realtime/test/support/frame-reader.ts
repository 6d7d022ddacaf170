const endOfHeaders = '\r\n\r\n';

/** Parses the bytes that a server sends, starting with the answer to the upgrade, into text frames. */
export class FrameReader {
  #rest = Buffer.alloc(0);
  #upgraded = false;

  /** Returns the texts that this chunk completes. */
  push(chunk: Buffer): string[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    if (!this.#upgraded) {
      const end = this.#rest.indexOf(endOfHeaders);
      if (end < 0) return [];
      this.#rest = this.#rest.subarray(end + endOfHeaders.length);
      this.#upgraded = true;
    }
    const texts: string[] = [];
    for (let frame = this.#take(); frame; frame = this.#take()) {
      if (frame.opcode === 1) texts.push(frame.payload.toString());
    }
    return texts;
  }

  /** Removes the next complete frame. A server's frames have no mask, and `ws` never fragments a message. */
  #take(): { opcode: number; payload: Buffer } | undefined {
    const bytes = this.#rest;
    if (bytes.length < 2) return undefined;
    const short = bytes.readUInt8(1) & 0x7f;
    const header = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (bytes.length < header) return undefined;
    const length =
      short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short;
    if (bytes.length < header + length) return undefined;
    this.#rest = bytes.subarray(header + length);
    return { opcode: bytes.readUInt8(0) & 0x0f, payload: bytes.subarray(header, header + length) };
  }
}
