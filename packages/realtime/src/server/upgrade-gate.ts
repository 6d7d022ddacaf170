import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerOptions } from 'socket.io';

type AllowRequest = NonNullable<ServerOptions['allowRequest']>;

/** A long-polling request carries its response; an upgrade has only the TCP socket. */
type EngineRequest = IncomingMessage & { res?: ServerResponse };

/**
 * Refuses new connections with 503 while the node drains. Plain clients retry a failed upgrade by themselves,
 * which they don't after a refused handshake.
 */
export class UpgradeGate {
  #open = true;

  shut(): void {
    this.#open = false;
  }

  /** Engine.IO would answer a refusal with 400, so a shut gate answers itself and never calls back. */
  readonly allowRequest: AllowRequest = (request, callback) => {
    if (this.#open) callback(null, true);
    else answerUnavailable(request);
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
