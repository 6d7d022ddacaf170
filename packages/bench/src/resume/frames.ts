import { randomBytes } from 'node:crypto';

/** The HTTP request that upgrades a connection to an Engine.IO WebSocket. */
export function upgradeRequest(): string {
  const key = randomBytes(16).toString('base64');
  return (
    'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: warren\r\nConnection: Upgrade\r\n' +
    `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`
  );
}

/** A final text frame, masked with zeros. */
export function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const head = payload.length < 126 ? Buffer.alloc(6) : Buffer.alloc(8);
  head[0] = 0x81;
  if (payload.length < 126) {
    head[1] = 0x80 | payload.length;
  } else {
    head[1] = 0x80 | 126;
    head.writeUInt16BE(payload.length, 2);
  }
  return Buffer.concat([head, payload]);
}

/** Parses the frames that a server sends after the upgrade: unfragmented and unmasked, as `ws` writes them. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** Calls `onText` with the text of each complete text frame. */
  read(chunk: Buffer, onText: (text: string) => void): void {
    let data = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    for (let end = frameEnd(data); end !== undefined && end.to <= data.length; end = frameEnd(data)) {
      if ((data.readUInt8(0) & 0x0f) === 1) onText(data.toString('utf8', end.from, end.to));
      data = data.subarray(end.to);
    }
    this.#rest = data;
  }
}

function frameEnd(data: Buffer): { from: number; to: number } | undefined {
  if (data.length < 2) return undefined;
  const short = data.readUInt8(1) & 0x7f;
  if (short < 126) return { from: 2, to: 2 + short };
  if (short === 126) return data.length < 4 ? undefined : { from: 4, to: 4 + data.readUInt16BE(2) };
  return data.length < 10 ? undefined : { from: 10, to: 10 + Number(data.readBigUInt64BE(2)) };
}
