import {
  bytesPerPacketToken,
  controlFrames,
  packetsPerCommand,
  type RealtimeLimits,
  unjoinedPackets,
  unsentBudgetsBeforeCut,
} from '../limits/limits.js';
import { TokenBucket } from '../limits/token-buckets.js';
import { type Connection, UnsentMeter } from '../limits/unsent-meter.js';
import { closeFrameTimeoutMs, webSocketOf } from './web-sockets.js';

export interface GuardOptions {
  limits: Pick<RealtimeLimits, 'commandsPerSecond' | 'unsentBytes'>;
  /** Called when a connection is cut off because it sent too much or read too little. */
  onCut(): void;
}

type Phase = 'unjoined' | 'joining' | 'joined';

/**
 * Limits what one connection may send and leave unread, from its first byte on. Packets are counted before Socket.IO
 * decodes them. A connection that has joined no namespace may send only a few.
 */
export class ConnectionGuard {
  readonly meter: UnsentMeter;
  readonly #connection: Connection;
  readonly #options: GuardOptions;
  readonly #controlFrames = new TokenBucket(controlFrames);
  #packets = new TokenBucket(unjoinedPackets);
  #phase: Phase = 'unjoined';
  #onFlood: (() => void) | undefined;
  #closing: NodeJS.Timeout | undefined;
  #isCutOff = false;

  constructor(connection: Connection, options: GuardOptions) {
    this.#connection = connection;
    this.#options = options;
    this.meter = new UnsentMeter(connection);
    connection.on('packet', (packet: { data?: unknown }) => this.#onPacket(packet.data));
    connection.once('close', () => clearTimeout(this.#closing));
    connection.on('upgrade', () => this.#watchControlFrames());
    this.#watchControlFrames();
  }

  /** Whether the connection has joined a namespace or is joining one. It may join one, once. */
  get taken(): boolean {
    return this.#phase !== 'unjoined';
  }

  joining(): void {
    this.#phase = 'joining';
  }

  /** Allows as many packets as a joined connection may send, and calls `onFlood` when more come. */
  joined(onFlood: () => void): void {
    const perSecond = this.#options.limits.commandsPerSecond * packetsPerCommand;
    this.#packets = new TokenBucket({ perSecond, burst: 2 * perSecond });
    this.#phase = 'joined';
    this.#onFlood = onFlood;
  }

  /** The handshake was refused. */
  notJoined(): void {
    this.#phase = 'unjoined';
  }

  /** Closes the connection once a refusal has been written, unless it has joined or is joining another namespace. */
  closeIfUnjoined(): void {
    setImmediate(() => {
      if (!this.taken) this.close();
    });
  }

  /** Sends what is buffered and closes the connection. Cuts it off if the peer doesn't close it in time. */
  close(): void {
    const connection = this.#connection;
    connection.close();
    if (connection.readyState === 'closed' || this.#closing) return;
    this.#closing = setTimeout(() => this.#terminate(), closeFrameTimeoutMs);
  }

  #onPacket(data: unknown): void {
    const maxUnsent = unsentBudgetsBeforeCut * this.#options.limits.unsentBytes;
    if (this.#unsentBytes() > maxUnsent) this.#cutOff();
    else if (!this.#packets.take(1 + Math.floor(lengthOf(data) / bytesPerPacketToken))) this.#flooded();
  }

  #flooded(): void {
    if (this.#onFlood) {
      this.#options.onCut();
      this.#onFlood();
    } else {
      this.#cutOff();
    }
  }

  /** Counts the ping and pong frames of a WebSocket, and answers its pings. */
  #watchControlFrames(): void {
    const webSocket = webSocketOf(this.#connection);
    const allowed = (): boolean => {
      // Frames that were read before the cut still arrive here.
      if (this.#isCutOff) return false;
      if (this.#controlFrames.take()) return true;
      this.#cutOff();
      return false;
    };
    webSocket?.on('ping', (data: Buffer) => {
      if (allowed()) webSocket.pong(data);
    });
    webSocket?.on('pong', allowed);
  }

  /** Also counts what the WebSocket itself has written, such as pongs. */
  #unsentBytes(): number {
    return Math.max(this.meter.bytes, webSocketOf(this.#connection)?.bufferedAmount ?? 0);
  }

  #cutOff(): void {
    this.#isCutOff = true;
    this.#options.onCut();
    this.#terminate();
  }

  /** Drops what is buffered. */
  #terminate(): void {
    const webSocket = webSocketOf(this.#connection);
    this.#connection.close(true);
    webSocket?.terminate();
  }
}

function lengthOf(data: unknown): number {
  if (typeof data === 'string') return data.length;
  return data instanceof Uint8Array || data instanceof ArrayBuffer ? data.byteLength : 0;
}
