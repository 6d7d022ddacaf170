import { type ServerOptions, WebSocket, WebSocketServer } from 'ws';
import type { Connection } from '../limits/unsent-meter.js';

/** Milliseconds that a peer has to answer a close frame before its TCP connection is destroyed. */
export const closeFrameTimeout = 2_000;

/** Frames of one message. Clients split messages into few, and empty frames would cost nobody but us. */
const maxFragments = 256;

/**
 * The WebSocket server under Engine.IO.
 *
 * It answers no ping by itself: pongs that nobody reads would pile up. And it hands on one frame of a connection
 * per turn of the event loop, so that one that sends thousands at once holds up nobody else.
 */
export class WebSockets extends WebSocketServer {
  constructor(options: ServerOptions) {
    const own = {
      autoPong: false,
      allowSynchronousEvents: false,
      closeTimeout: closeFrameTimeout,
      maxFragments,
    };
    super({ ...options, ...own });
  }
}

/** The WebSocket of a connection; undefined while it is on long-polling. */
export function webSocketOf({ transport }: Connection): WebSocket | undefined {
  const { socket } = transport as { socket?: unknown };
  return socket instanceof WebSocket ? socket : undefined;
}
