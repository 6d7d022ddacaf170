import { connect, type Socket } from 'node:net';
import { FrameReader, textFrame, upgradeRequest } from './frames.js';

export interface ReturningOptions {
  port: number;
  /** A loopback address. Each has its own range of ports. */
  localAddress: string;
  namespace: string;
  token: string;
  cursor: string;
  /** The number of the entry at `cursor`, and of the last missed entry. */
  from: number;
  to: number;
}

export type Phase = 'connecting' | 'upgrading' | 'joining' | 'resuming';

/**
 * - `late`: the server could not read its feed at first.
 * - `lost`: the number of connections that ended before it was complete, by phase. It reconnected each time.
 */
export interface ReturningFigures {
  complete: boolean;
  late: boolean;
  lost: Record<Phase, number>;
  refused: number;
  gaps: number;
  resets: number;
  /** Milliseconds from the first attempt to the last missed entry. */
  took: number;
}

const retryMs = 1_000;
/** The default timeout of socket.io-client for opening a connection. */
const openTimeoutMs = 20_000;

/** A minimal client with a cursor: thousands of them must cost less than the service. */
export class ReturningClient {
  readonly figures: ReturningFigures = {
    complete: false,
    late: false,
    lost: { connecting: 0, upgrading: 0, joining: 0, resuming: 0 },
    refused: 0,
    gaps: 0,
    resets: 0,
    took: 0,
  };
  readonly #options: ReturningOptions;
  readonly #beganAt = performance.now();
  #socket: Socket | undefined;
  #seq: number;
  #cursor: string;
  #closed = false;

  constructor(options: ReturningOptions) {
    this.#options = options;
    this.#seq = options.from;
    this.#cursor = options.cursor;
    this.#connect();
  }

  close(): void {
    this.#closed = true;
    this.#socket?.destroy();
  }

  #connect(): void {
    const { port, localAddress } = this.#options;
    const socket = connect({ host: '127.0.0.1', port, localAddress, noDelay: true });
    this.#socket = socket;
    const frames = new FrameReader();
    let phase: Phase = 'connecting';
    const openTimer = setTimeout(() => socket.destroy(), openTimeoutMs);
    socket.on('error', () => socket.destroy());
    socket.once('connect', () => {
      phase = 'upgrading';
      socket.write(upgradeRequest());
    });
    const onText = (text: string): void => {
      clearTimeout(openTimer);
      if (text.startsWith('42')) phase = 'resuming';
      this.#onText(text, socket);
    };
    socket.on('data', (chunk) => {
      if (phase !== 'connecting' && phase !== 'upgrading') {
        frames.read(chunk, onText);
        return;
      }
      const end = chunk.indexOf('\r\n\r\n');
      if (!chunk.toString('latin1', 0, 12).endsWith('101') || end < 0) {
        socket.destroy();
        return;
      }
      phase = 'joining';
      frames.read(chunk.subarray(end + 4), onText);
    });
    socket.once('close', () => {
      clearTimeout(openTimer);
      if (this.#closed) return;
      if (!this.figures.complete) this.figures.lost[phase] += 1;
      setTimeout(() => this.#closed || this.#connect(), retryMs * (1 + Math.random()));
    });
  }

  #onText(text: string, socket: Socket): void {
    const { namespace, token } = this.#options;
    if (text === '2') socket.write(textFrame('3'));
    else if (text.startsWith('0')) {
      socket.write(textFrame(`40/${namespace},${JSON.stringify({ token, cursor: this.#cursor })}`));
    } else if (text.startsWith('44')) this.figures.refused += 1;
    else if (text.startsWith('42')) this.#onEvent(JSON.parse(text.slice(text.indexOf(',') + 1)));
  }

  #onEvent([name, data, meta]: [string, { head: string | null }, { seq: number; cursor: string }?]): void {
    if (name === 'session.ready' && data.head === null) this.figures.late = true;
    if (name === 'feed.reset') this.figures.resets += 1;
    if (meta === undefined) return;
    if (meta.seq !== this.#seq + 1) this.figures.gaps += 1;
    this.#seq = meta.seq;
    this.#cursor = meta.cursor;
    if (this.#seq !== this.#options.to || this.figures.complete) return;
    this.figures.complete = true;
    this.figures.took = performance.now() - this.#beganAt;
  }
}
