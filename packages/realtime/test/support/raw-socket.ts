import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { FrameReader } from './frame-reader.js';

/** A minimal WebSocket client that can send what no proper client would. */
export interface RawSocket {
  /** Sends one text frame. */
  send(text: string): void;
  /** Sends one frame. `opcode`: 1 is text, 2 binary, 9 ping, 10 pong. */
  frame(opcode: number, payload: Buffer): void;
  /** Sends raw bytes. */
  write(bytes: Buffer | string): void;
  /** Sends raw bytes; resolves when the kernel has taken them or the connection is closed. */
  writeOut(bytes: Buffer): Promise<void>;
  readonly open: boolean;
  /** Stops reading, so that the peer's send buffers fill up. */
  pause(): void;
  resume(): void;
  /** The text frames read so far. */
  readonly messages: readonly string[];
  /** All bytes read so far, including frame headers. */
  text(): string;
  readonly closed: Promise<void>;
  destroy(): void;
}

/** Connects and asks for the upgrade, with these additional header lines. Resolves when the server has answered. */
export async function rawSocket(
  port: number,
  query = 'EIO=4&transport=websocket',
  headers = '',
): Promise<RawSocket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const chunks: Buffer[] = [];
  const frames = new FrameReader();
  const messages: string[] = [];
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    messages.push(...frames.push(chunk));
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const answered = new Promise((resolve) => socket.once('data', resolve));
  socket.write(
    `GET /socket.io/?${query} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n${headers}\r\n`,
  );
  await Promise.race([answered, closed]);
  const write = (bytes: Buffer | string): void => {
    if (socket.writable) socket.write(bytes);
  };
  const frame = (opcode: number, payload: Buffer): void => write(encodeFrame(opcode, payload));
  return {
    send: (text) => frame(1, Buffer.from(text)),
    frame,
    write,
    writeOut: (bytes) =>
      Promise.race([closed, new Promise<void>((resolve) => socket.write(bytes, () => resolve()))]),
    get open(): boolean {
      return socket.writable;
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    messages,
    text: () => Buffer.concat(chunks).toString('latin1'),
    closed,
    destroy: () => socket.destroy(),
  };
}

/** A final frame, masked with zeros: clients must mask their frames. */
export function encodeFrame(opcode: number, payload: Buffer): Buffer {
  const first = 0x80 | opcode;
  const mask = Buffer.alloc(4);
  if (payload.length < 126)
    return Buffer.concat([Buffer.from([first, 0x80 | payload.length]), mask, payload]);
  const header = Buffer.alloc(payload.length < 65_536 ? 4 : 10);
  header[0] = first;
  if (payload.length < 65_536) {
    header[1] = 0x80 | 126;
    header.writeUInt16BE(payload.length, 2);
  } else {
    header[1] = 0x80 | 127;
    header.writeBigUInt64BE(BigInt(payload.length), 2);
  }
  return Buffer.concat([header, mask, payload]);
}
