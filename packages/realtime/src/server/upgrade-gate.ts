import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerOptions } from 'socket.io';

type AllowRequest = NonNullable<ServerOptions['allowRequest']>;

/** A long-polling request carries its response; an upgrade has only the TCP socket. */
type EngineRequest = IncomingMessage & { res?: ServerResponse };

export interface GateOptions {
  /** Whether this request may open a connection now. */
  mayOpen(request: IncomingMessage): boolean;
  onRefused(): void;
}

/**
 * Refuses new connections with 503 while the node drains and while it can't take more. Socket.IO clients retry a failed
 * upgrade by themselves, but not a refused handshake.
 */
export class UpgradeGate {
  readonly #options: GateOptions;
  #open = true;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  shut(): void {
    this.#open = false;
  }

  /** Engine.IO would answer a refusal with 400. So this answers the request itself and never calls back. */
  readonly allowRequest: AllowRequest = (request, callback) => {
    if (this.#open && this.#options.mayOpen(request)) {
      callback(null, true);
      return;
    }
    this.#options.onRefused();
    answerUnavailable(request);
  };
}

function answerUnavailable(request: EngineRequest): void {
  if (request.res) {
    request.res.writeHead(503, { connection: 'close', 'content-length': 0, 'retry-after': '1' }).end();
    return;
  }
  const { socket } = request;
  socket.on('error', () => socket.destroy());
  socket.end(
    'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n',
    () => socket.destroy(),
  );
}
