import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '@warren/contracts';
import type { Logger } from 'pino';
import type { Server } from 'socket.io';
import { TokenBucket } from '../limits/token-buckets.js';
import { HandshakeRefusal } from './handshake.js';

const detail = "This server takes WebSockets only: give the client the option transports: ['websocket']";

/** Separates the packets of one long-polling answer (Engine.IO 4). */
const separator = '\x1e';

/**
 * Answers long-polling with a refused handshake that says what to do, and logs it at most once a minute.
 *
 * `socket.io-client` polls first by default. After any HTTP error it reports "xhr poll error" and retries for ever. So
 * the requests are answered as if polling worked, up to the refused handshake. The server keeps no state for them.
 */
export function refuseLongPolling(io: Server, service: string, log: Logger): void {
  const logRate = new TokenBucket({ perSecond: 1 / 60, burst: 1 });
  const { message, data } = new HandshakeRefusal(new AppError('invalid-request', { detail }));
  const refusal = JSON.stringify({ message, data });
  const opened = {
    sid: 'websocket-only',
    upgrades: [],
    pingInterval: 25_000,
    pingTimeout: 20_000,
    maxPayload: 10_000,
  };
  const open = `0${JSON.stringify(opened)}`;
  // The requested namespace is unknown here. It is the service's own, or `/`, which is the client's default.
  const refused = `44/${service},${refusal}${separator}44${refusal}`;

  io.engine.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
    const { searchParams } = new URL(request.url ?? '', 'http://localhost');
    if (searchParams.get('transport') !== 'polling' || request.headers.upgrade) {
      next();
      return;
    }
    request.resume();
    response.setHeader('content-type', 'text/plain; charset=UTF-8');
    if (request.method === 'POST') response.end('ok');
    else if (searchParams.has('sid')) response.end(refused);
    else {
      if (logRate.take())
        log.warn({ origin: request.headers.origin }, `a client tried long-polling. ${detail}`);
      response.end(open);
    }
  });
}
