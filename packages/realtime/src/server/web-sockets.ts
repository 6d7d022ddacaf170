import { type ServerOptions, WebSocket, WebSocketServer } from 'ws';
import type { Connection } from '../limits/unsent-meter.js';

/** Milliseconds that a peer has to answer a close frame before its TCP connection is destroyed. */
export const closeFrameTimeoutMs = 2_000;

/** Frames of one message. Clients split messages into few, and a flood of empty frames would cost only the server. */
const maxFragments = 256;

/**
 * The WebSocket server under Engine.IO.
 *
 * It does not answer pings by itself, since a client that reads no pongs would make them pile up. It handles one frame of
 * a connection per turn of the event loop, so that a connection that sends thousands at once does not hold up others.
 */
export class WebSockets extends WebSocketServer {
  constructor(options: ServerOptions) {
    const own = {
      autoPong: false,
      allowSynchronousEvents: false,
      closeTimeout: closeFrameTimeoutMs,
      maxFragments,
    };
    super({ ...options, ...own });
  }
}

/** The WebSocket of a connection; undefined while it uses long-polling. */
export function webSocketOf({ transport }: Connection): WebSocket | undefined {
  const { socket } = transport as { socket?: unknown };
  return socket instanceof WebSocket ? socket : undefined;
}
