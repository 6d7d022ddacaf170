import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '@warren/contracts';
import type { Logger } from 'pino';
import type { Server } from 'socket.io';
import { TokenBucket } from '../limits/token-buckets.js';
import { HandshakeRefusal } from './handshake.js';

const detail = "This server takes WebSockets only: give the client the option transports: ['websocket']";

/** Between packets of one long-polling answer (Engine.IO 4). */
const separator = '\x1e';

/**
 * Refuses long-polling by a refused handshake that says what to do, and in the log once a minute.
 *
 * `socket.io-client` polls first unless it is told otherwise. Any HTTP error makes it say "xhr poll error" and try
 * again for ever, so each request is answered as if polling worked, up to the refusal. Nothing is kept for it.
 */
export function refuseLongPolling(io: Server, service: string, log: Logger): void {
  const lines = new TokenBucket({ perSecond: 1 / 60, burst: 1 });
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
  // The namespace that was asked for is not known here: the service's own, or the one that clients default to.
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
      if (lines.take())
        log.warn({ origin: request.headers.origin }, `a client tried long-polling. ${detail}`);
      response.end(open);
    }
  });
}
