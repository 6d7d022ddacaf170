import type { Server as HttpServer } from 'node:http';
import { AppError } from '@warren/contracts';
import { type DefaultEventsMap, type Namespace, Server, type Socket } from 'socket.io';
import { Encoder } from 'socket.io-parser';
import { SizingDecoder } from '../limits/packet-size.js';
import { type Admission, HandshakeRefusal } from './handshake.js';
import type { UpgradeGate } from './upgrade-gate.js';

export type WireSocket = Socket<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, Admission>;
type WireServer = Server<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, Admission>;
export type WireNamespace = Namespace<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, Admission>;

export interface SocketServerOptions {
  server: HttpServer;
  service: string;
  path: string;
  corsOrigins: readonly string[];
  polling: boolean;
  payloadHardBytes: number;
  pingIntervalMs: number;
  pingTimeoutMs: number;
  gate: UpgradeGate;
}

/** A connection that joins no namespace in this time is closed. Milliseconds; above the time to verify a token. */
const connectTimeout = 15_000;

/** Socket.IO on the caller's HTTP server, with the one namespace of this service. */
export function createSocketServer(options: SocketServerOptions): {
  io: WireServer;
  namespace: WireNamespace;
} {
  const io: WireServer = new Server(options.server, {
    path: options.path,
    transports: options.polling ? ['polling', 'websocket'] : ['websocket'],
    cors: { origin: options.corsOrigins.includes('*') ? '*' : [...options.corsOrigins] },
    serveClient: false,
    perMessageDeflate: false,
    httpCompression: false,
    maxHttpBufferSize: options.payloadHardBytes,
    pingInterval: options.pingIntervalMs,
    pingTimeout: options.pingTimeoutMs,
    connectTimeout,
    cleanupEmptyChildNamespaces: true,
    allowRequest: options.gate.allowRequest,
    parser: { Encoder, Decoder: SizingDecoder },
  });
  refuseOtherNamespaces(io);
  return { io, namespace: io.of(`/${options.service}`) };
}

/**
 * Without this, Socket.IO lets anyone into `/` and refuses other names without a code. Children made for a
 * refused name go away with the refusal.
 */
function refuseOtherNamespaces(io: WireServer): void {
  const refuse = (_socket: WireSocket, next: (error: Error) => void): void => {
    next(new HandshakeRefusal(new AppError('not-found', { detail: 'No such namespace on this server' })));
  };
  io.use(refuse);
  io.of((_name, _auth, allow) => allow(null, true)).use(refuse);
}
