import type { RealtimeLimits } from '../api.js';
import {
  bytesPerPacketToken,
  controlFrames,
  packetsPerCommand,
  packetsUnjoined,
  unsentBudgetsBeforeClosing,
} from '../limits/defaults.js';
import { TokenBucket } from '../limits/token-buckets.js';
import { type Connection, UnsentMeter } from '../limits/unsent-meter.js';
import { closeFrameTimeout, webSocketOf } from './web-sockets.js';

export interface GuardOptions {
  limits: Pick<RealtimeLimits, 'commandsPerSecond' | 'unsentBytes'>;
  /** A connection was cut off, since it sent too much or read too little. */
  cut(): void;
}

/** What this connection has come to. */
type Phase = 'unjoined' | 'joining' | 'joined';

/**
 * Bounds what one connection may send and leave unread, from its first byte on. Packets are counted before
 * Socket.IO decodes them; what a connection that joined nothing sends gets no more than a few tries.
 */
export class ConnectionGuard {
  readonly meter: UnsentMeter;
  readonly #connection: Connection;
  readonly #options: GuardOptions;
  readonly #controlFrames = new TokenBucket(controlFrames);
  #packets = new TokenBucket(packetsUnjoined);
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

  /** Whether it has joined a namespace, or is about to: one connection joins one, once. */
  get taken(): boolean {
    return this.#phase !== 'unjoined';
  }

  joining(): void {
    this.#phase = 'joining';
  }

  /** From now on, `onFlood` ends the socket when more comes in than a connection may send. */
  joined(onFlood: () => void): void {
    const perSecond = this.#options.limits.commandsPerSecond * packetsPerCommand;
    this.#packets = new TokenBucket({ perSecond, burst: 2 * perSecond });
    this.#phase = 'joined';
    this.#onFlood = onFlood;
  }

  /** The handshake that was under way is refused. */
  notJoined(): void {
    this.#phase = 'unjoined';
  }

  /** Closes the connection after a refusal has been written, unless it serves another namespace, or is about to. */
  closeIfUnjoined(): void {
    setImmediate(() => {
      if (!this.taken) this.close();
    });
  }

  /** Closes the transport after sending what waits, and cuts off a peer that doesn't take it. */
  close(): void {
    const connection = this.#connection;
    connection.close();
    if (connection.readyState === 'closed' || this.#closing) return;
    this.#closing = setTimeout(() => this.#terminate(), closeFrameTimeout);
  }

  #onPacket(data: unknown): void {
    const most = unsentBudgetsBeforeClosing * this.#options.limits.unsentBytes;
    if (this.#unsentBytes() > most) this.#cutOff();
    else if (!this.#packets.take(1 + Math.floor(lengthOf(data) / bytesPerPacketToken))) this.#flooded();
  }

  #flooded(): void {
    if (this.#onFlood) {
      this.#options.cut();
      this.#onFlood();
    } else {
      this.#cutOff();
    }
  }

  #watchControlFrames(): void {
    const webSocket = webSocketOf(this.#connection);
    const allowed = (): boolean => {
      // What was read before the end is still handed on.
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

  /** Packets, and what the WebSocket itself has written: pongs too. */
  #unsentBytes(): number {
    return Math.max(this.meter.bytes, webSocketOf(this.#connection)?.bufferedAmount ?? 0);
  }

  #cutOff(): void {
    this.#isCutOff = true;
    this.#options.cut();
    this.#terminate();
  }

  /** What waits is thrown away. */
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
